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
	if j.want == 0 || len(p) == 0 {
		return j.want == 0
	}
	if len(j.codings) > 0 {
		j.writeCoded(p)
	} else {
		j.writePlain(p)
	}
	return j.want == 0
}

// writePlain looks at bytes without a coding. A first piece that settles is not copied.
func (j *Judge) writePlain(p []byte) {
	b := p
	kept := len(j.buf) > 0
	if kept || len(p) < j.want {
		j.buf = append(j.buf, p[:min(len(p), max(0, MaxPrefix-len(j.buf)))]...)
		b, kept = j.buf, true
	}
	if len(b) < j.want {
		return
	}
	switch j.kind, j.want = look(prefix{b: b, quick: j.claims.quick && !j.broken, page: j.claims.declared == WebPage}); {
	case j.want == 0:
		j.buf = nil
	case !kept:
		j.buf = append(j.buf, p...)
	}
}

// eagerTries is the number of times that a coded body is looked at on every piece; then only when it has doubled, so
// that a body in tiny pieces costs no more than a few times its start.
const eagerTries = 8

// writeCoded looks at bytes with a coding.
func (j *Judge) writeCoded(p []byte) {
	j.buf = append(j.buf, p[:min(len(p), maxRaw-len(j.buf))]...)
	full := len(j.buf) == maxRaw
	if len(j.buf) < j.want && !full {
		return
	}
	var s state
	switch j.kind, s = j.lookCoded(full); s {
	case settled:
		j.want, j.buf = 0, nil
	case spoilt:
		j.want, j.buf, j.broken = 0, nil, true
	case foreign:
		j.broken, j.codings = true, nil
		j.want = 1
		j.writePlain(nil)
	case hungry:
		j.tries++
		if j.want = len(j.buf) + 1; j.tries > eagerTries {
			j.want += len(j.buf)
		}
	}
}

// lookCoded looks at the coded bytes at hand. Of a body that decodes to nothing at all the bytes themselves are looked at
// instead: it may be a file under a false coding, which a client that knows no codings would save.
func (j *Judge) lookCoded(final bool) (Kind, state) {
	return lookInside(j.codings, prefix{b: j.buf, final: final, quick: j.claims.quick, page: j.claims.declared == WebPage})
}

// Finish returns the verdict on what was seen, as if the body ended here. It is called at the end of the body, or as soon as
// [Judge.Need] is false; without bytes (a HEAD request, 204, 304) it rests on names and types. It changes nothing: a body
// that streams may be written on, and Finish called again.
func (j *Judge) Finish() Result {
	kind, broken := j.kind, j.broken
	if j.want > 0 && len(j.buf) > 0 {
		kind, broken = j.end()
	}
	r := j.claims.weigh(kind)
	if j.unknown || broken {
		r = r.or(Undecodable, ByCoding)
	}
	return r
}

// end looks at a whole body that is shorter than what was wanted of it, and reports whether its coding is broken.
func (j *Judge) end() (Kind, bool) {
	broken := j.broken
	if len(j.codings) > 0 {
		k, s := j.lookCoded(true)
		if s != foreign {
			return k, s == spoilt
		}
		broken = true
	}
	k, _ := look(prefix{b: j.buf, final: true, whole: true, quick: j.claims.quick && !broken})
	return k, broken
}
