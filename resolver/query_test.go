package resolver

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// header returns the header of a query with the given counts, as bytes.
func header(b2 byte, counts ...byte) string {
	h := []byte{0x12, 0x34, b2, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	for i, c := range counts {
		h[5+2*i] = c
	}
	return string(h)
}

const (
	wwwA  = "\x03www\x07Example\x00\x00\x01\x00\x01"
	opt   = "\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00"
	long  = "\x3f" + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	optV1 = "\x00\x00\x29\x04\xd0\x00\x01\x00\x00\x00\x00"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		msg  string
		want int
	}{
		{"plain", header(1, 1) + wwwA, dns.RcodeSuccess},
		{"with OPT", header(1, 1, 0, 0, 1) + wwwA + opt, dns.RcodeSuccess},
		{"longest name", header(1, 1) + long + long + long + "\x3d" + long[1:62] + "\x00\x00\x01\x00\x01", dns.RcodeSuccess},
		{"record beside OPT", header(1, 1, 0, 0, 2) + wwwA + "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x01x" + opt, dns.RcodeSuccess},
		{"option", header(1, 1, 0, 0, 1) + wwwA + opt[:9] + "\x00\x05\x00\x0a\x00\x01x", dns.RcodeSuccess},
		{"empty", "", drop},
		{"short", header(1, 1)[:11], drop},
		{"an answer", header(0x81, 1) + wwwA, drop},
		{"status", header(0x11, 1) + wwwA, dns.RcodeNotImplemented},
		{"update", header(0x29, 1) + wwwA, dns.RcodeNotImplemented},
		{"no question", header(1, 0), dns.RcodeFormatError},
		{"two questions", header(1, 2) + wwwA + wwwA, dns.RcodeFormatError},
		{"an answer inside", header(1, 1, 1) + wwwA + opt, dns.RcodeFormatError},
		{"no name", header(1, 1), dns.RcodeFormatError},
		{"cut in name", header(1, 1) + wwwA[:6], dns.RcodeFormatError},
		{"cut in class", header(1, 1) + wwwA[:len(wwwA)-1], dns.RcodeFormatError},
		{"pointer to itself", header(1, 1) + "\xc0\x0c\x00\x01\x00\x01", dns.RcodeFormatError},
		{"label of 64", header(1, 1) + "\x40" + strings.Repeat("a", 64) + "\x00\x00\x01\x00\x01", dns.RcodeFormatError},
		{"name of 256", header(1, 1) + long + long + long + "\x3e" + long[1:63] + "\x00\x00\x01\x00\x01", dns.RcodeFormatError},
		{"trailing byte", header(1, 1) + wwwA + "x", dns.RcodeFormatError},
		{"missing OPT", header(1, 1, 0, 0, 1) + wwwA, dns.RcodeFormatError},
		{"two OPT", header(1, 1, 0, 0, 2) + wwwA + opt + opt, dns.RcodeFormatError},
		{"OPT with owner", header(1, 1, 0, 0, 1) + wwwA + "\xc0\x0c" + opt[1:], dns.RcodeFormatError},
		{"cut OPT", header(1, 1, 0, 0, 1) + wwwA + opt[:9], dns.RcodeFormatError},
		{"OPT longer than message", header(1, 1, 0, 0, 1) + wwwA + opt[:9] + "\x00\x01", dns.RcodeFormatError},
		{"half an option", header(1, 1, 0, 0, 1) + wwwA + opt[:9] + "\x00\x03\x00\x0a\x00", dns.RcodeFormatError},
		{"option longer than OPT", header(1, 1, 0, 0, 1) + wwwA + opt[:9] + "\x00\x04\x00\x0a\x00\x01", dns.RcodeFormatError},
		{"EDNS 1", header(1, 1, 0, 0, 1) + wwwA + optV1, dns.RcodeBadVers},
		{"class CH", header(1, 1) + wwwA[:len(wwwA)-1] + "\x03", dns.RcodeRefused},
		{"no recursion", header(0, 1) + wwwA, dns.RcodeRefused},
		{"transfer", header(1, 1) + wwwA[:len(wwwA)-4] + "\x00\xfc\x00\x01", dns.RcodeRefused},
		{"type 0", header(1, 1) + wwwA[:len(wwwA)-4] + "\x00\x00\x00\x01", dns.RcodeFormatError},
		{"type OPT", header(1, 1) + wwwA[:len(wwwA)-4] + "\x00\x29\x00\x01", dns.RcodeFormatError},
	}
	var q query // the same for all: nothing may stay behind
	for _, tt := range tests {
		if got := q.parse([]byte(tt.msg)); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	if rcode := q.parse([]byte(tests[1].msg)); rcode != dns.RcodeSuccess || string(q.name()) != "\x03www\x07example\x00" ||
		!q.edns || !q.do || q.size != 1232 || q.id != 0x1234 || q.qtype != dns.TypeA || q.bytes != len(tests[1].msg) {
		t.Errorf("parse(%q) = %d, %+v", tests[1].msg, rcode, q)
	}
}

// FuzzParse holds that what is parsed as a query the library takes as the same query, and that what is answered to it,
// right or wrong, the library takes as an answer.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		header(1, 1) + wwwA, header(1, 1, 0, 0, 1) + wwwA + opt, header(1, 1, 0, 0, 1) + wwwA + optV1, header(1, 1) + "\xc0\x0c",
		header(1, 1, 0, 0, 2) + wwwA + "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x01x" + opt, header(0x29, 1) + wwwA,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) > maxQuery {
			t.Skip("longer than what is read")
		}
		q := new(query)
		rcode := q.parse(msg)
		if rcode == drop {
			return
		}
		replies := [][]byte{
			appendCode(nil, q, rcode, edeNone),
			appendNegative(nil, q, dns.RcodeNameError, edeBlocked, "gambling"),
			appendData(nil, q, dns.TypeA, "\x7f\x00\x00\x01"),
		}
		if q.n == 0 {
			replies = replies[:1] // without a question there is nothing to own a record
		}
		for _, b := range replies {
			if err := new(dns.Msg).Unpack(b); err != nil {
				t.Fatalf("own reply %x: %v", b, err)
			}
		}
		if rcode != dns.RcodeSuccess {
			return
		}
		if text, ok := q.text(nil); ok && bytes.ContainsAny(text, "\\ /") {
			t.Fatalf("text %q of %x", text, q.name())
		}
		sent := newOutgoing(q)
		m := new(dns.Msg)
		if err := m.Unpack(sent.msg); err != nil {
			t.Fatalf("own question %x: %v", sent.msg, err)
		}
		if m.Question[0].Qtype != q.qtype || m.IsEdns0().Do() != q.do || m.CheckingDisabled != q.cd {
			t.Fatalf("own question %v of %+v", m, q)
		}
	})
}

// FuzzAnswer holds that any answer of an upstream that is taken is packed into one that the library takes too, with
// every TTL where it is thought to be, and none above a day.
func FuzzAnswer(f *testing.F) {
	add := func(rrs ...string) {
		m := new(dns.Msg)
		m.SetQuestion("www.example.", dns.TypeA)
		m.Response, m.Compress = true, true
		for _, s := range rrs {
			rr, err := dns.NewRR(s)
			if err != nil {
				f.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
			m.Ns = append(m.Ns, rr)
		}
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[headerLen:], true)
	}
	add("www.example. 300 IN A 192.0.2.1", "example. 60 IN SOA a. b. 1 2 3 4 5")
	add("www.example. 300 IN CNAME b.example.", "b.example. 4000000000 IN A 192.0.2.1", "b.example. 60 IN A 192.0.2.2")
	add("example. 300 IN DNAME example.net.", "www.example. 300 IN CNAME www.example.net.", "www.example.net. 1 IN A 192.0.2.1")
	add(`www.example. 300 IN CNAME a\.b\000.example.`, `www.example. 300 IN HTTPS 1 . ipv4hint=192.0.2.1`)
	f.Fuzz(func(t *testing.T, body []byte, do bool) {
		q := new(query)
		if q.parse([]byte(header(1, 1)+"\x03www\x07example\x00\x00\x01\x00\x01")) != dns.RcodeSuccess {
			t.Fatal("question not parsed")
		}
		q.do, q.edns, q.stream = do, do, true
		m := new(dns.Msg)
		if m.Unpack(append([]byte(header(0x81, 1, 4, 4)), body...)) != nil || len(m.Question) != 1 ||
			dns.CanonicalName(m.Question[0].Name) != "www.example." || m.Question[0].Qtype != dns.TypeA {
			return // exchange lets no other through
		}
		m.Rcode &= maskRcode
		e, err := newEntry(q, m, q0)
		if err != nil {
			return
		}
		got := new(dns.Msg)
		if err := got.Unpack(appendEntry(nil, q, e, q0)); err != nil {
			t.Fatalf("entry %x: %v", e.wire, err)
		}
		if len(got.Answer)+len(got.Ns) != len(e.ttls) || len(got.Extra) > 1 {
			t.Fatalf("%d TTLs in %v", len(e.ttls), got)
		}
		for _, rr := range append(got.Answer, got.Ns...) {
			if rr.Header().Ttl > maxTTL {
				t.Fatalf("TTL of %v", rr)
			}
		}
		if err := got.Unpack(appendEntry(nil, q, e, q0.Add(1<<62))); err != nil {
			t.Fatalf("aged entry %x: %v", e.wire, err)
		}
		for _, rr := range append(got.Answer, got.Ns...) {
			if rr.Header().Ttl != 0 {
				t.Fatalf("TTL of %v after an age", rr)
			}
		}
	})
}

// q0 is a moment.
var q0 = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
