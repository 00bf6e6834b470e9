package content

// Evidence is what a response says about itself besides its bytes, and how it was asked for. The strings are as they
// were received.
type Evidence struct {
	URLPath     string   // the escaped path of the request
	Query       string   // the raw query of the request
	Disposition []string // every Content-Disposition value
	Type        []string // every Content-Type value
	Encoding    []string // every Content-Encoding value
	Dest        string   // the request's Sec-Fetch-Dest, "" when absent
}

// Ground is what a result rests on.
type Ground string

// The grounds.
const (
	ByBytes  Ground = "bytes"
	ByName   Ground = "name"
	ByType   Ground = "type"
	ByCoding Ground = "coding"
)

// Result is what a download is. It holds nothing of the download itself.
type Result struct {
	Kind Kind
	By   Ground
}

// Judge looks at one response. Its verdict doesn't depend on how the body is cut into pieces. It is not safe for
// concurrent use.
type Judge struct {
	claims  claims
	codings []coding
	unknown bool // a coding that can't be undone
	broken  bool // the body is not in the codings it claims

	buf   []byte // the start of the body, as far as it is still needed
	want  int    // the length at which buf is looked at next; 0 when the bytes are settled
	tries int    // looks at coded bytes
	kind  Kind   // of the bytes
	final bool
}

// NewJudge returns a judge of the response that e describes. It keeps no part of e.
func NewJudge(e Evidence) *Judge {
	j := &Judge{claims: claimsOf(e), kind: Unknown, want: 1}
	list, ok := codings(e.Encoding)
	j.codings, j.unknown = list, !ok
	return j
}

// Need reports whether bytes of the body are wanted before any may be passed on. It is false from the start for bodies
// that are made while they are read (server-sent events, gRPC): their first byte may be long in coming.
func (j *Judge) Need() bool { return j.want > 0 && !j.claims.stream }

// Write takes the next bytes of the body, as they came over the wire, and reports whether the verdict is settled: then no
// further byte can change it. It keeps no reference to p. Bytes after MaxPrefix (130 KiB for a coded body, of which zstd may
// need a whole block) are not looked at. A body that streams may go on to be written while it is passed on, and can still turn out
// to be software.
func (j *Judge) Write(p []byte) bool {
	for j.want > 0 && len(p) > 0 {
		if len(j.codings) > 0 {
			p = j.writeCoded(p)
			continue
		}
		p = j.writePlain(p)
	}
	return j.want == 0
}

// writePlain looks at bytes without a coding and returns those not looked at. A first piece that settles is not copied.
func (j *Judge) writePlain(p []byte) []byte {
	b := p
	if len(j.buf) > 0 || len(p) < j.want {
		n := min(len(p), MaxPrefix-len(j.buf))
		j.buf = append(j.buf, p[:n]...)
		b = j.buf
	}
	if len(b) < j.want {
		return nil
	}
	j.kind, j.want = look(prefix{b: b, quick: j.claims.quick})
	if j.want == 0 {
		j.buf = nil
		return nil
	}
	if len(j.buf) == 0 {
		j.buf = append(j.buf, p...)
	}
	return nil
}

// eagerTries is the number of times that a coded body is looked at on every piece; then only when it has grown by half, so
// that a body in tiny pieces costs no more than a few times its start.
const eagerTries = 24

// writeCoded looks at bytes with a coding and returns those not looked at.
func (j *Judge) writeCoded(p []byte) []byte {
	n := min(len(p), maxRaw-len(j.buf))
	j.buf = append(j.buf, p[:n]...)
	full := len(j.buf) == maxRaw
	if len(j.buf) < j.want && !full {
		return nil
	}
	j.tries++
	if j.want = len(j.buf) + 1; j.tries > eagerTries {
		j.want += len(j.buf) / 2
	}
	j.lookCoded(full)
	return nil
}

// lookCoded looks at the coded bytes at hand.
func (j *Judge) lookCoded(final bool) {
	k, s, n := lookInside(j.codings, prefix{b: j.buf, final: final, quick: j.claims.quick})
	switch {
	case s == hungry:
		return
	case s == corrupt && n == 0: // it may be a file under a false coding
		j.broken, j.codings = true, nil
		if j.kind, j.want = look(prefix{b: j.buf, final: final}); j.want > 0 {
			return
		}
	case s == corrupt, n == 0 && final && len(j.buf) > 0:
		j.broken = true
		fallthrough
	default:
		j.kind, j.want = k, 0
	}
	j.buf = nil
}

// Finish returns the verdict on what was seen. It is called at the end of the body, or when [Judge.Need] is false; without
// bytes (a HEAD request, 204, 304) it rests on names and types.
func (j *Judge) Finish() Result {
	if j.want > 0 && len(j.buf) > 0 {
		if len(j.codings) > 0 {
			j.lookCoded(true)
		} else {
			j.finishPlain()
		}
	}
	j.want = 0
	result := j.claims.weigh(j.kind)
	if (j.unknown || j.broken) && stricter(result.Kind, Undecodable) == Undecodable {
		return Result{Undecodable, ByCoding}
	}
	return result
}

// finishPlain looks at a whole body that is shorter than what was wanted of it.
func (j *Judge) finishPlain() {
	j.kind, _ = look(prefix{b: j.buf, final: true, quick: j.claims.quick})
	if j.kind != Media && imageTrailer(j.buf) {
		j.kind = DiskImage
	}
}

// imageTrailer reports whether a whole file ends as Apple's disk images do (UDIF: 512 bytes that begin with koly).
func imageTrailer(b []byte) bool {
	const trailer = 512
	return len(b) >= trailer && len(b) < MaxPrefix && string(b[len(b)-trailer:len(b)-trailer+8]) == "koly\x00\x00\x00\x04"
}
