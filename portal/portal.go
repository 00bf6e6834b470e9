package portal

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/proxy/page"
)

// Config is what the portal shows. The functions are called once a request and from several goroutines; one that is nil, or
// that returns nothing, has its address answer 404.
type Config struct {
	Organisation page.Organisation
	Names        []filter.Host // that the portal answers to, besides localhost and addresses
	PAC          PAC
	Status       func() Status
	Health       func() []Problem // what is wrong now besides the lists, worst first; none when all is well
	RootPEM      func() []byte
	RootDER      func() []byte
	CRL          func() []byte // DER
	Metrics      http.Handler
}

// fileAge is how long a browser may keep a file, as Cache-Control has it: a change of the proxies is seen within minutes.
const fileAge = "max-age=300"

// portal answers requests. It is immutable.
type portal struct{ Config }

// New returns the portal as a handler.
func New(c Config) http.Handler {
	p := &portal{c}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", p.status)
	mux.HandleFunc("/healthz", p.health)
	mux.HandleFunc("/proxy.pac", p.pac)
	mux.HandleFunc("/wpad.dat", p.pac)
	mux.Handle("/ca.pem", file("application/x-x509-ca-cert", "keersluis-ca.pem", c.RootPEM))
	mux.Handle("/ca.der", file("application/x-x509-ca-cert", "keersluis-ca.crt", c.RootDER))
	mux.Handle("/crl", file("application/pkix-crl", "keersluis.crl", c.CRL))
	if c.Metrics != nil {
		mux.Handle("/metrics", c.Metrics)
	}
	return p.guard(mux)
}

// guard lets through what reads, and only under a name of ours: a page elsewhere on the web whose name is made to resolve to
// this machine (DNS rebinding) would be of the same origin as the portal.
func (p *portal) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		page.Harden(h)
		h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the portal can only be read", http.StatusMethodNotAllowed)
			return
		}
		if !p.answersTo(asked(r)) {
			http.Error(w, notOurName, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// notOurName is for whoever set up the portal and opens it for the first time, so it says what to set. It repeats nothing of
// the request.
const notOurName = "The portal does not answer to this name. Set portal.url in keersluis.yaml to the address that people open, with this name in it.\n" +
	"Het portaal is niet bekend onder deze naam. Zet bij portal.url in keersluis.yaml het adres dat mensen openen, met deze naam erin."

// localhost is the name of every machine for itself (RFC 6761 section 6.3).
const localhost = "localhost"

// answersTo reports whether h is a name or address that no other site can have.
func (p *portal) answersTo(h filter.Host) bool {
	if _, ok := h.Addr(); ok || h.String() == localhost || strings.HasSuffix(h.String(), "."+localhost) {
		return true
	}
	for _, name := range p.Names {
		if h == name && !h.IsZero() {
			return true
		}
	}
	return false
}

// asked returns the host that r was sent to, the zero Host when it can't be read.
func asked(r *http.Request) filter.Host {
	name := r.Host
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
		name = name[:i]
	}
	if strings.IndexByte(name, ':') >= 0 && !strings.HasPrefix(name, "[") {
		return filter.Host{} // an IPv6 address must be in brackets (RFC 9110 section 7.2)
	}
	h, err := filter.ParseHost(name)
	if err != nil {
		return filter.Host{}
	}
	return h
}

// file serves what content returns, for a browser to keep a while.
func file(mediaType, name string, content func() []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b []byte
		if content != nil {
			b = content()
		}
		serve(w, r, mediaType, name, b)
	})
}

func serve(w http.ResponseWriter, r *http.Request, mediaType, name string, b []byte) {
	if len(b) == 0 {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Disposition", `inline; filename="`+name+`"`)
	w.Header().Set("Cache-Control", fileAge)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

func (p *portal) pac(w http.ResponseWriter, r *http.Request) {
	serve(w, r, "application/x-ns-proxy-autoconfig", "proxy.pac", []byte(p.PAC.Script(asked(r))))
}

// health answers a supervisor: one word when all is well, else one line a reason.
func (p *portal) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	reasons := p.reasons()
	if len(reasons) == 0 {
		_, _ = w.Write([]byte("ok\n"))
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(strings.Join(reasons, "\n") + "\n"))
}
