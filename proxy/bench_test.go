package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/elazarl/goproxy"

	"github.com/keersluis/keersluis/proxy"
)

// small is an origin of 1 kB.
var small = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(bytes.Repeat([]byte("k"), 1024))
})

// requests sends one request after another over c, which leads to an origin of 1 kB.
func requests(b *testing.B, c *raw, request string) {
	buf := make([]byte, 4096)
	for b.Loop() {
		c.send(request)
		resp := c.response(http.MethodGet)
		n, err := io.ReadFull(resp.Body, buf[:1024])
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status, n, err)
		}
		_ = resp.Body.Close()
	}
}

// BenchmarkPlain is one small request in clear text over a kept connection; goproxy is a bare one of its own, beside it.
func BenchmarkPlain(b *testing.B) {
	l := newLab(b, setup{handler: small})
	request := "GET http://" + site + ":" + l.port(l.plain) + "/ HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nUser-Agent: b\r\n\r\n"
	b.Run("keersluis", func(b *testing.B) { requests(b, l.raw(), request) })
	b.Run("goproxy", func(b *testing.B) {
		e := goproxy.NewProxyHttpServer()
		e.Logger = log.New(io.Discard, "", 0)
		e.Tr = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 512}
		s := httptest.NewServer(e)
		defer s.Close()
		requests(b, rawTo(b, s.Listener.Addr().String()), strings.Replace(request, site, "127.0.0.1", 1))
	})
}

// BenchmarkInspected is one small request inside an inspected tunnel, over a kept connection.
func BenchmarkInspected(b *testing.B) {
	l := newLab(b, setup{handler: small, h1Only: true})
	c := l.secureTunnel(site+":"+l.port(l.secure), site)
	requests(b, c, "GET / HTTP/1.1\r\nHost: "+site+":"+l.port(l.secure)+"\r\n\r\n")
}

// BenchmarkTunnel is one small request through a tunnel that is not inspected.
func BenchmarkTunnel(b *testing.B) {
	l := newLab(b, setup{handler: small, h1Only: true})
	c := l.secureTunnel(bank+":"+l.port(l.secure), bank)
	requests(b, c, "GET / HTTP/1.1\r\nHost: "+bank+"\r\n\r\n")
}

// BenchmarkBulk is a download, in clear text and inspected.
func BenchmarkBulk(b *testing.B) {
	const size = 64 << 20
	block := make([]byte, 1<<20)
	l := newLab(b, setup{h1Only: true, handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		for range size / len(block) {
			_, _ = w.Write(block)
		}
	})})
	for name, base := range map[string]string{
		"plain":     "http://" + site + ":" + l.port(l.plain),
		"inspected": "https://" + site + ":" + l.port(l.secure),
		"tunnel":    "https://" + bank + ":" + l.port(l.secure),
	} {
		b.Run(name, func(b *testing.B) {
			client := l.client(false)
			b.SetBytes(size)
			for b.Loop() {
				resp, err := client.Get(base)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, resp.Body); n != size {
					b.Fatal(n, err)
				}
				_ = resp.Body.Close()
			}
		})
	}
}

// BenchmarkIdleTunnel tells what a tunnel costs in which nothing moves: memory of the process, both ends and the client's
// side included, and file descriptors of ours.
func BenchmarkIdleTunnel(b *testing.B) {
	const n = 1000
	port := func() string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = ln.Close() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				b.Cleanup(func() { _ = c.Close() })
			}
		}()
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		return port
	}()
	hello := string(clientHello(b, bank))
	for b.Loop() {
		l := newLab(b, setup{limits: proxy.Limits{Clients: n}})
		before := memory()
		for range n {
			l.connect(bank + ":" + port).send(hello)
		}
		for l.proxy.Stats().Spliced < n {
			runtime.Gosched()
		}
		b.ReportMetric(float64(memory()-before)/n, "B/tunnel")
		l.stop()
	}
}

func memory() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
