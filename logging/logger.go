package logging

import (
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Format is how the operational log is written.
type Format uint8

// The formats.
const (
	Console Format = iota // one readable line an entry
	JSON                  // one object a line
)

// NewLogger returns the operational log, which tells how the program fares. It must never hold an address, a user, a host
// asked for, a path or a query: use constant messages and typed fields, no zap.Any. Times are in UTC. Writes to w are
// serialised; w stays the caller's.
func NewLogger(w io.Writer, level zapcore.Level, f Format) *zap.Logger {
	c := zap.NewProductionEncoderConfig()
	c.TimeKey = "time"
	c.EncodeTime = utcTime
	c.EncodeDuration = zapcore.StringDurationEncoder
	c.EncodeLevel = zapcore.LowercaseLevelEncoder
	c.CallerKey = zapcore.OmitKey
	encoder := zapcore.NewConsoleEncoder(c)
	if f == JSON {
		encoder = zapcore.NewJSONEncoder(c)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), level))
}

func utcTime(t time.Time, e zapcore.PrimitiveArrayEncoder) {
	zapcore.RFC3339TimeEncoder(t.UTC(), e)
}
