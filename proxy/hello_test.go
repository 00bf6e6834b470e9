package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// firstFlight returns what a real client sends first.
func firstFlight(tb testing.TB, c *tls.Config) []byte {
	tb.Helper()
	client, server := net.Pipe()
	go func() {
		_ = tls.Client(client, c).Handshake()
		_ = client.Close()
	}()
	buf := make([]byte, 16<<10)
	n, err := server.Read(buf)
	_ = server.Close()
	if err != nil {
		tb.Fatal(err)
	}
	return buf[:n]
}

// fragment puts a record into records of n bytes.
func fragment(record []byte, n int) []byte {
	var out []byte
	for body := record[5:]; len(body) > 0; {
		k := min(n, len(body))
		out = append(out, 22, 3, 1, byte(k>>8), byte(k))
		out = append(out, body[:k]...)
		body = body[k:]
	}
	return out
}

func TestParseHello(t *testing.T) {
	named := firstFlight(t, &tls.Config{ServerName: "site.test", InsecureSkipVerify: true})
	nameless := firstFlight(t, &tls.Config{InsecureSkipVerify: true})
	old := firstFlight(t, &tls.Config{ServerName: "site.test", MaxVersion: tls.VersionTLS12})
	for _, tt := range []struct {
		name string
		in   []byte
		want string
		err  error
	}{
		{"with a name", named, "site.test", nil},
		{"without a name", nameless, "", nil},
		{"TLS 1.2", old, "site.test", nil},
		{"in small records", fragment(named, 7), "site.test", nil},
		{"in records of a byte", fragment(old, 1), "site.test", nil},
		{"with more behind it", append(append([]byte(nil), named...), 20, 3, 3, 0, 1, 1), "site.test", nil},
		{"not TLS", []byte("GET / HTTP/1.1\r\n"), "", errNotTLS},
		{"an alert", []byte{21, 3, 1, 0, 2, 1, 0}, "", errNotTLS},
		{"SSL 2", []byte{0x80, 0x2e, 1, 0, 2}, "", errNotTLS},
		{"another message", []byte{22, 3, 1, 0, 4, 2, 0, 0, 0}, "", errHello},
		{"empty record", []byte{22, 3, 1, 0, 0}, "", errHello},
		{"record too long", []byte{22, 3, 1, 0xff, 0xff}, "", errHello},
		{"message too long", []byte{22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff}, "", errHello},
		{"nonsense", []byte{22, 3, 1, 0, 8, 1, 0, 0, 4, 9, 9, 9, 9}, "", errHello},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, more, err := parseHello(tt.in)
			if h.serverName != tt.want || more || !errors.Is(err, tt.err) {
				t.Errorf("parseHello = %q %v %v, want %q, %v", h.serverName, more, err, tt.want, tt.err)
			}
		})
	}
	for n := range len(named) {
		if _, more, err := parseHello(named[:n]); !more || err != nil {
			t.Fatalf("parseHello of the first %d bytes = %v %v, want more", n, more, err)
		}
	}
}

func TestSniff(t *testing.T) {
	for in, want := range map[string]sniff{
		"": sniffMore, "\x16": sniffTLS, "GET": sniffMore, "GET ": sniffHTTP, "OPTIONS /": sniffHTTP, "SSH-": sniffOther,
		"\x80": sniffOther, "get /": sniffOther, "PROPPATCH ": sniffHTTP, "ABCDEFGHIJKLMNOPQRST": sniffOther, " GET": sniffOther,
		"A ": sniffOther,
	} {
		if got := sniffProtocol([]byte(in)); got != want {
			t.Errorf("sniffProtocol(%q) = %d, want %d", in, got, want)
		}
	}
}

// FuzzHello compares the peek with crypto/tls: it may refuse what a server would take, but what both take has one name.
func FuzzHello(f *testing.F) {
	f.Add(firstFlight(f, &tls.Config{ServerName: "site.test", InsecureSkipVerify: true}))
	f.Add(firstFlight(f, &tls.Config{InsecureSkipVerify: true}))
	f.Add(firstFlight(f, &tls.Config{ServerName: "site.test", MaxVersion: tls.VersionTLS12}))
	f.Add([]byte{22, 3, 1, 0, 8, 1, 0, 0, 4, 9, 9, 9, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, more, err := parseHello(b)
		name, accepted := serverReads(b)
		if !accepted {
			return
		}
		if more || err == nil && h.serverName != name {
			t.Fatalf("parseHello = %q %v %v, crypto/tls reads %q", h.serverName, more, err, name)
		}
	})
}

var errSeen = errors.New("seen")

// serverReads returns the name that crypto/tls finds in a ClientHello, and whether it takes it for one.
func serverReads(b []byte) (name string, ok bool) {
	config := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		name, ok = h.ServerName, true
		return nil, errSeen
	}}
	_ = tls.Server(&fixedConn{b: b}, config).Handshake()
	return name, ok
}

// fixedConn is a connection on which b comes in.
type fixedConn struct{ b []byte }

func (c *fixedConn) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.b)
	c.b = c.b[n:]
	return n, nil
}

func (*fixedConn) Write(p []byte) (int, error)      { return len(p), nil }
func (*fixedConn) Close() error                     { return nil }
func (*fixedConn) LocalAddr() net.Addr              { return nil }
func (*fixedConn) RemoteAddr() net.Addr             { return nil }
func (*fixedConn) SetDeadline(time.Time) error      { return nil }
func (*fixedConn) SetReadDeadline(time.Time) error  { return nil }
func (*fixedConn) SetWriteDeadline(time.Time) error { return nil }
