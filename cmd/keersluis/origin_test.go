package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/proxy/ca"
)

// origin is the web as the tests have it: every name on two ports of loopback, one plain and one with TLS. It remembers
// what it was asked, so that a test can say that a blocked request never left the proxy.
type origin struct {
	plain, secure net.Listener
	connections   sync.Map      // of the clients: net.Conn to true
	events        chan string   // what /sse sends next
	release       chan struct{} // lets a response of /held go on

	mu   sync.Mutex
	seen []string // guarded by mu: a line for each request
	idle bool     // guarded by mu: nothing is remembered
}

// newOrigin starts an origin whose certificates are of the authority.
func newOrigin(tb testing.TB, authority *ca.Authority) *origin {
	tb.Helper()
	o := &origin{
		plain: listen(tb), secure: listen(tb),
		events: make(chan string), release: make(chan struct{}),
	}
	// The protocols of a connection are those of its name: a server that speaks HTTP/1.1 only is h1.something.
	certificate := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		h, err := filter.ParseHost(hello.ServerName)
		if err != nil {
			return nil, err
		}
		return authority.Certificate(hello.Context(), h)
	}
	both := &tls.Config{GetCertificate: certificate, NextProtos: []string{"h2", "http/1.1"}}
	old := &tls.Config{GetCertificate: certificate, NextProtos: []string{"http/1.1"}}
	both.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if strings.HasPrefix(hello.ServerName, "h1.") {
			return old, nil
		}
		return nil, nil
	}
	server := &http.Server{
		Handler:           o.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // scripts provoke refused handshakes
		TLSConfig:         both,
		ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				o.connections.Store(c, true)
			case http.StateClosed, http.StateHijacked:
				o.connections.Delete(c)
			}
		},
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(o.plain) })
	serving.Go(func() { _ = server.ServeTLS(o.secure, "", "") })
	tb.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	return o
}

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func portOf(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

// take returns the requests since the last call.
func (o *origin) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := o.seen
	o.seen = nil
	return seen
}

// closeConnections ends every connection to the origin, as a server does that has had enough of an idle client.
func (o *origin) closeConnections() {
	o.connections.Range(func(c, _ any) bool {
		c.(net.Conn).Close()
		return true
	})
}

// forget makes the origin remember nothing from now on, for tests with very many requests.
func (o *origin) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.idle = true
}

func (o *origin) remember(r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.idle {
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	o.seen = append(o.seen, fmt.Sprintf("%s %s %s %s", r.Proto, r.Method, host, r.URL.RequestURI()))
}

func (o *origin) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"/hello":    hello,
		"/echo":     echo,
		"/sse":      o.sse,
		"/ws":       echoWebSocket,
		"/chunked":  chunked,
		"/204":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"/304":      cached,
		"/head":     func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "123456789") },
		"/range":    ranges,
		"/upload":   upload,
		"/refuse":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusExpectationFailed) },
		"/big":      big,
		"/held":     o.held,
		"/file/":    file,
		"/redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/hello", http.StatusFound) },
		"/cut":      cut,
		"/early":    early,
		"GET /{$}":  hello,
		"/page":     webPage,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			o.remember(r)
			handle(w, r)
		})
	}
	return mux
}

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	host, _, _ := net.SplitHostPort(r.Host)
	fmt.Fprintf(w, "hello from %s\n", host)
}

func webPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, "<!DOCTYPE html><title>Origin</title><p>A page of the origin.</p>\n")
}

// echo tells what came in, sorted, with the digest of the body.
func echo(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Add("Set-Cookie", "first=1")
	w.Header().Add("Set-Cookie", "second=2")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "%s %s %s\n", r.Proto, r.Method, r.URL.RequestURI())
	dump(w, "", r.Header)
	dump(w, "trailer ", r.Trailer)
	fmt.Fprintf(w, "body %d %s\n", n, hex.EncodeToString(sum.Sum(nil)))
}

func dump(w io.Writer, prefix string, h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			fmt.Fprintf(w, "%s%s: %s\n", prefix, name, value)
		}
	}
}

// sse sends an event when the test says so, and ends when the test sends the empty one.
func (o *origin) sse(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	if control.Flush() != nil {
		return
	}
	for {
		select {
		case event := <-o.events:
			if event == "" {
				return
			}
			fmt.Fprintf(w, "data: %s\n\n", event)
			if control.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// echoWebSocket sends each message back until the other side closes.
func echoWebSocket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}, InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if c.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}

// chunked sends two chunks and trailers.
func chunked(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Trailer", "X-Checksum")
	io.WriteString(w, "first\n")
	_ = http.NewResponseController(w).Flush()
	io.WriteString(w, "second\n")
	w.Header().Set("X-Checksum", "12ab")
}

// cached knows one version of its page.
func cached(w http.ResponseWriter, r *http.Request) {
	const tag = `"version-1"`
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	hello(w, r)
}

// ranges serves a file of 100,000 bytes, in parts when asked.
func ranges(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(pattern(100_000)))
}

// pattern returns n bytes that differ from place to place and are no program of any kind.
func pattern(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.Bytes()[:n]
}

// upload counts what comes in and says whether the client waited for a word first.
func upload(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%d %s expect=%q encoding=%q\n", n, hex.EncodeToString(sum.Sum(nil)), r.Header.Get("Expect"), r.TransferEncoding)
}

// big sends n bytes from a block that is made once.
func big(w http.ResponseWriter, r *http.Request) {
	left, err := strconv.ParseInt(r.FormValue("n"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "video/mp4")
	w.Header().Set("Content-Length", strconv.FormatInt(left, 10))
	block := bytes.Repeat(binary.BigEndian.AppendUint64(nil, 0x0102030405060708), 32<<10/8)
	for left > 0 {
		n, err := w.Write(block[:min(left, int64(len(block)))])
		if err != nil {
			return
		}
		left -= int64(n)
	}
}

// held sends half of its answer, and the rest when the test says so.
func (o *origin) held(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, "first half\n")
	if http.NewResponseController(w).Flush() != nil {
		return
	}
	select {
	case <-o.release:
		io.WriteString(w, "second half\n")
	case <-r.Context().Done():
	}
}

// cut promises twice what it sends: ?n= bytes.
func cut(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(2*n))
	_, _ = w.Write(pattern(n))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// early sends hints before its answer (RFC 8297).
func early(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Link", "</style.css>; rel=preload; as=style")
	w.WriteHeader(http.StatusEarlyHints)
	hello(w, r)
}

// file sends a download as servers do that mean well or ill: ?bytes= says what it is, ?type= and ?disposition= what the
// server calls it, ?encoding=gzip packs it for the way. The path can say yet another thing.
func file(w http.ResponseWriter, r *http.Request) {
	bodies := map[string][]byte{
		"pe":     windowsProgram(),
		"elf":    append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 2000)...),
		"script": []byte("#!/bin/sh\nexit 0\n"),
		"pdf":    []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"),
		"text":   []byte("Dear reader,\nthis is text.\n"),
	}
	body, ok := bodies[r.FormValue("bytes")]
	if !ok {
		http.Error(w, "no such bytes", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if t := r.FormValue("type"); t != "" {
		w.Header().Set("Content-Type", t)
	}
	if d := r.FormValue("disposition"); d != "" {
		w.Header().Set("Content-Disposition", d)
	}
	if r.FormValue("encoding") == "gzip" {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		defer packed.Close()
		_, _ = packed.Write(body)
		return
	}
	_, _ = w.Write(body)
}

// windowsProgram returns the smallest thing that every detector takes for a Windows program: the DOS header, its stub
// and the PE header it points to.
func windowsProgram() []byte {
	b := make([]byte, 4096)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3c:], 0x80)
	copy(b[0x40:], "\x0e\x1f\xba\x0e\x00\xb4\x09\xcd\x21\xb8\x01\x4c\xcd\x21This program cannot be run in DOS mode.\r\r\n$")
	copy(b[0x80:], "PE\x00\x00\x64\x86\x01\x00")
	binary.LittleEndian.PutUint16(b[0x80+20:], 0xf0) // size of the optional header
	binary.LittleEndian.PutUint16(b[0x80+22:], 0x22) // executable, large address aware
	binary.LittleEndian.PutUint16(b[0x80+24:], 0x20b)
	return b
}

// errOriginBusy says that nobody is at /sse or /held.
var errOriginBusy = errors.New("no request waits at the origin")

// send hands an event to the request at /sse.
func (o *origin) send(ctx context.Context, event string) error {
	select {
	case o.events <- event:
		return nil
	case <-ctx.Done():
		return errOriginBusy
	}
}

// letGo lets the request at /held go on.
func (o *origin) letGo(ctx context.Context) error {
	select {
	case o.release <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errOriginBusy
	}
}
