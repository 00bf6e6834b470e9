package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"
)

// browser is an HTTP client behind the script's proxy that trusts the proxy's CA and nothing else.
type browser struct {
	client *http.Client
	dial   func(ctx context.Context, network, addr string) (net.Conn, error) // a tunnel, whatever the scheme
}

func newBrowser(ts *testscript.TestScript, h2 bool) (*browser, error) {
	proxy := ts.Getenv("PROXY")
	pem, err := os.ReadFile(ts.MkAbs(ts.Getenv("CA")))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate of the proxy")
	}
	transport := &http.Transport{
		Proxy:              http.ProxyURL(&url.URL{Scheme: "http", Host: proxy}),
		TLSClientConfig:    &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2:  h2,
		DisableCompression: true,
		DisableKeepAlives:  true,
	}
	return &browser{
		client: &http.Client{Transport: transport},
		dial:   func(ctx context.Context, _, addr string) (net.Conn, error) { return tunnel(ctx, proxy, addr) },
	}, nil
}

// tunnel opens a tunnel to addr, as browsers do for ws://.
func tunnel(ctx context.Context, proxy, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", proxy)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", addr, addr)
	answer, err := http.ReadResponse(bufio.NewReaderSize(c, 16), &http.Request{Method: http.MethodConnect})
	if err != nil {
		c.Close()
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		c.Close()
		return nil, fmt.Errorf("tunnel: %s", answer.Status)
	}
	return c, nil
}

// fetch gets a URL and prints protocol, status, chosen header fields, body and trailers:
// fetch [-h2] [-X method] [-d body] [-H 'Name: value'] [-trailer 'Name: value'] [-show Name,Name] URL.
func (s *script) fetch(ts *testscript.TestScript, args []string) error {
	flags := flag.NewFlagSet("fetch", flag.ContinueOnError)
	h2 := flags.Bool("h2", false, "")
	method := flags.String("X", http.MethodGet, "")
	body := flags.String("d", "", "")
	field := flags.String("H", "", "")
	trailer := flags.String("trailer", "", "")
	show := flags.String("show", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBrowser(ts, *h2)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, *method, flags.Arg(0), strings.NewReader(*body))
	if err != nil {
		return err
	}
	if name, value, ok := strings.Cut(*field, ": "); ok {
		request.Header.Set(name, value)
	}
	if name, value, ok := strings.Cut(*trailer, ": "); ok {
		request.ContentLength = -1 // only chunked bodies have trailers
		request.Trailer = http.Header{name: {value}}
	}
	response, err := b.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return show1(ts.Stdout(), response, strings.Split(*show, ","))
}

func show1(w io.Writer, response *http.Response, show []string) error {
	fmt.Fprintln(w, response.Proto, response.Status)
	for _, name := range show {
		for _, value := range response.Header.Values(name) {
			fmt.Fprintf(w, "%s: %s\n", name, value)
		}
	}
	_, err := io.Copy(w, response.Body)
	for _, name := range slices.Sorted(maps.Keys(response.Trailer)) {
		fmt.Fprintf(w, "trailer %s: %s\n", name, response.Trailer.Get(name))
	}
	return err
}

// sse listens to the origin's events; each must arrive before the next is sent: sse [-h2] URL.
func (s *script) sse(ts *testscript.TestScript, args []string) error {
	b, err := newBrowser(ts, args[0] == "-h2")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, args[len(args)-1], http.NoBody)
	if err != nil {
		return err
	}
	response, err := b.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Fprintln(ts.Stdout(), response.Proto, response.Status, response.Header.Get("Content-Type"))
	lines := bufio.NewReader(response.Body)
	for _, event := range []string{"one", "two", "three"} {
		if err := s.origin.send(ctx, event); err != nil {
			return err
		}
		text, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("event %s: %w", event, err)
		}
		fmt.Fprint(ts.Stdout(), text)
		if _, err := lines.ReadString('\n'); err != nil {
			return fmt.Errorf("event %s: %w", event, err)
		}
	}
	if err := s.origin.send(ctx, ""); err != nil {
		return err
	}
	if rest, err := io.ReadAll(lines); err != nil || len(rest) != 0 {
		return fmt.Errorf("after the last event: %q, %w", rest, err)
	}
	return nil
}

// socket is a WebSocket that a script keeps open.
type socket struct{ conn *websocket.Conn }

// websocket opens a connection under a name and keeps it, sends messages over it and prints the echoes, or closes it:
// websocket open NAME [-tunnel] URL; websocket say NAME TEXT…; websocket close NAME.
func (s *script) websocket(ts *testscript.TestScript, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	verb, name, rest := args[0], args[1], args[2:]
	if verb == "open" {
		return s.openSocket(ctx, ts, name, rest)
	}
	c, ok := s.sockets[name]
	if !ok {
		return fmt.Errorf("no connection %s", name)
	}
	if verb == "close" {
		delete(s.sockets, name)
		return c.conn.Close(websocket.StatusNormalClosure, "")
	}
	for _, text := range rest {
		if err := c.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return err
		}
		kind, message, err := c.conn.Read(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(ts.Stdout(), kind, string(message))
	}
	return nil
}

func (s *script) openSocket(ctx context.Context, ts *testscript.TestScript, name string, args []string) error {
	b, err := newBrowser(ts, false)
	if err != nil {
		return err
	}
	if args[0] == "-tunnel" {
		transport := b.client.Transport.(*http.Transport)
		transport.Proxy, transport.DialContext = nil, b.dial
	}
	conn, answer, err := websocket.Dial(ctx, args[len(args)-1], &websocket.DialOptions{
		HTTPClient: b.client, Subprotocols: []string{"echo"}, CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(ts.Stdout(), answer.Status, answer.Header.Get("Sec-Websocket-Protocol"))
	s.sockets[name] = &socket{conn: conn}
	return nil
}

// inflight is a download that waits at the origin.
type inflight struct {
	cancel context.CancelFunc
	body   io.ReadCloser
	lines  *bufio.Reader
}

// begin starts a download of /held and returns when its first half has come: begin [-h2] URL.
func (s *script) begin(ts *testscript.TestScript, args []string) error {
	b, err := newBrowser(ts, args[0] == "-h2")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, args[len(args)-1], http.NoBody)
	if err != nil {
		cancel()
		return err
	}
	response, err := b.client.Do(request)
	if err != nil {
		cancel()
		return err
	}
	s.pending = &inflight{cancel: cancel, body: response.Body, lines: bufio.NewReader(response.Body)}
	text, err := s.pending.lines.ReadString('\n')
	fmt.Fprint(ts.Stdout(), text)
	return err
}

// finish lets the origin send the rest of what begin began, and prints it.
func (s *script) finish(ts *testscript.TestScript, _ []string) error {
	p := s.pending
	s.pending = nil
	defer p.cancel()
	defer p.body.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.origin.letGo(ctx); err != nil {
		return err
	}
	rest, err := io.ReadAll(p.lines)
	fmt.Fprint(ts.Stdout(), string(rest))
	return err
}
