package logging

import (
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The schema is closed (D4). A field that is added here is a change of what is kept about people: it needs the consent of
// the works council, not only a green test.
func TestRecordSchema(t *testing.T) {
	want := map[string]string{
		"Slot": "time.Time", "Epoch": "uint32", "Person": "logging.Pseudonym", "Site": "string", "Category": "string",
		"Outcome": "logging.Outcome", "Door": "string", "Device": "string", "Rule": "string",
		"Requests": "uint64", "Up": "uint64", "Down": "uint64",
	}
	typ := reflect.TypeFor[Record]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if want[f.Name] != f.Type.String() {
			t.Errorf("field %s %s is not in the schema", f.Name, f.Type)
		}
		delete(want, f.Name)
	}
	for name := range want {
		t.Errorf("field %s is missing", name)
	}
}

func sampleRecord() Record {
	return Record{
		Slot: time.Date(2026, 11, 21, 12, 15, 0, 0, time.UTC), Epoch: 0x01020304,
		Person: NewPseudonymiser([32]byte{1}, "gemeente-voorbeeld", classPerson).Of("j.jansen"),
		Site:   "example.nl", Category: "news", Outcome: Allowed, Door: "http", Device: "managed-pc", Rule: "news.txt",
		Requests: 3, Up: 1200, Down: 3_000_000_000,
	}
}

// The bytes on disk are a promise to the next version, and the proof of what is kept (D3).
func TestRecordGolden(t *testing.T) {
	path := filepath.Join("testdata", "record.golden")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.TrimSuffix(hex.Dump(appendRecord(nil, sampleRecord())), "\n")
	if want := strings.TrimSpace(string(b)); got != want {
		t.Errorf("stored record:\n%s\nwant:\n%s", got, want)
	}
}

func TestRecordRoundTrip(t *testing.T) {
	long := strings.Repeat("é", 200)
	for name, r := range map[string]Record{
		"sample":  sampleRecord(),
		"zero":    {Slot: slotStart(0)},
		"largest": {Slot: slotStart(math.MaxUint32), Epoch: math.MaxUint32, Requests: math.MaxUint64, Up: math.MaxUint64, Down: math.MaxUint64},
		"longest": {Slot: slotStart(1), Site: long, Category: long, Door: long, Device: long, Rule: long},
	} {
		got, err := decodeRecord(appendRecord(nil, r), texts{})
		for _, s := range []*string{&r.Site, &r.Category, &r.Door, &r.Device, &r.Rule} {
			*s = cut(*s)
		}
		if err != nil || got != r {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, r)
		}
	}
	b := appendRecord(nil, sampleRecord())
	for n := range len(b) {
		if _, err := decodeRecord(b[:n], nil); err == nil {
			t.Errorf("%d of %d bytes are taken for a record", n, len(b))
		}
	}
	if _, err := decodeRecord(append(b, 0), nil); err == nil {
		t.Error("a byte too many is taken for a record")
	}
	if b[0]++; true {
		if _, err := decodeRecord(b, nil); err == nil {
			t.Error("a record of another version is read")
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(appendRecord(nil, sampleRecord()))
	f.Add(appendRecord(nil, Record{}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b, nil)
		if err != nil {
			return
		}
		again, err := decodeRecord(appendRecord(nil, r), texts{})
		if err != nil || again != r {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
	})
}

func TestRuleOf(t *testing.T) {
	for rule, want := range map[string]string{
		"": "", "porn": "porn", "porn:12": "porn", "https://lists.example/porn:12": "https://lists.example/porn",
		"porn:": "porn:", "default": "default", "a:b": "a:b",
	} {
		if got := ruleOf(rule); got != want {
			t.Errorf("ruleOf(%q) = %q, want %q", rule, got, want)
		}
	}
}

func TestSiteOf(t *testing.T) {
	for host, want := range map[string]string{
		"":                               "",
		"example.nl":                     "example.nl",
		"www.deep.example.nl":            "example.nl",
		"www.example.co.uk":              "example.co.uk",
		"co.uk":                          "co.uk",
		"jan.github.io":                  "jan.github.io",
		"xn--mnchen-3ya.de":              "xn--mnchen-3ya.de",
		"192.0.2.1":                      SiteAddress,
		"2001:db8::1":                    SiteAddress,
		"fe80::1%eth0":                   SiteAddress,
		"192.0.2.1:8080":                 SiteAddress,
		"127.1":                          SiteAddress,
		"0x7f000001":                     SiteAddress,
		"localhost":                      SiteUnlisted,
		"pc-jansen":                      SiteUnlisted,
		"pc-jansen.local":                SiteUnlisted,
		"pc-jansen.gemeente.lan":         SiteUnlisted,
		"1.2.0.192.in-addr.arpa":         SiteUnlisted,
		"pc-jansen.home.arpa":            SiteUnlisted,
		"jansen@example.nl":              SiteUnlisted,
		"example.nl/path":                SiteUnlisted,
		"Example.nl":                     SiteUnlisted,
		"example..nl":                    SiteUnlisted,
		".nl":                            SiteUnlisted,
		"example.nl.":                    SiteUnlisted,
		strings.Repeat("a.", 130) + "nl": SiteUnlisted,
	} {
		if got := siteOf(host); got != want {
			t.Errorf("siteOf(%q) = %q, want %q", host, got, want)
		}
	}
}

func FuzzSiteOf(f *testing.F) {
	f.Add("www.example.nl")
	f.Add("j.jansen@192.0.2.1/path?query")
	f.Fuzz(func(t *testing.T, host string) {
		if site := siteOf(host); strings.ContainsAny(site, "@/?#: %") {
			t.Errorf("siteOf(%q) = %q", host, site)
		}
	})
}

func TestSiteCacheIsBounded(t *testing.T) {
	c := make(siteCache)
	for i := range 2*maxSites + 10 {
		host := string(rune('a'+i%26)) + strings.Repeat("x", i%40) + hex.EncodeToString([]byte{byte(i >> 16), byte(i >> 8), byte(i)}) + ".example.nl"
		if got := c.site(host); got != "example.nl" {
			t.Fatalf("site(%q) = %q", host, got)
		}
	}
	if len(c) > maxSites {
		t.Errorf("%d hosts remembered, want at most %d", len(c), maxSites)
	}
}

func TestSensitiveCategories(t *testing.T) {
	for _, c := range []string{"health", "religion", "politics", "union", "sexuality", "legal-aid", "debt", "never-inspect"} {
		if !sensitive(c) {
			t.Errorf("%s is recorded with its site", c)
		}
	}
	if sensitive("news") || sensitive("") {
		t.Error("everything is sensitive")
	}
}

func TestPseudonym(t *testing.T) {
	key := [32]byte{1}
	p := NewPseudonymiser(key, "org", classPerson)
	jansen := p.Of("j.jansen")
	if got, want := jansen.String(), NewPseudonymiser(key, "org", classPerson).Of("j.jansen").String(); got != want || len(got) != 20 {
		t.Errorf("pseudonym = %s, then %s", got, want)
	}
	for name, other := range map[string]Pseudonym{
		"identity":     p.Of("p.pieters"),
		"key":          NewPseudonymiser([32]byte{2}, "org", classPerson).Of("j.jansen"),
		"organisation": NewPseudonymiser(key, "other", classPerson).Of("j.jansen"),
		"class":        NewPseudonymiser(key, "org", "group").Of("j.jansen"),
	} {
		if other == jansen {
			t.Errorf("another %s gives the same pseudonym", name)
		}
	}
	if !p.Of("").IsZero() || jansen.IsZero() {
		t.Error("only the empty identity is nobody")
	}
}

// Two different triples never share an encoding, so never a pseudonym.
func FuzzPseudonymEncoding(f *testing.F) {
	f.Add("org", "person", "jansen", "orgp", "erson", "jansen")
	f.Add("", "ab", "c", "a", "b", "c")
	f.Add("a", "\x01b", "c", "a\x01", "b", "c")
	f.Fuzz(func(t *testing.T, org1, class1, id1, org2, class2, id2 string) {
		encode := func(org, class, id string) string {
			return string(appendText(appendText(appendText(nil, org), class), id))
		}
		same := org1 == org2 && class1 == class2 && id1 == id2
		if (encode(org1, class1, id1) == encode(org2, class2, id2)) != same {
			t.Errorf("encodings of %q %q %q and %q %q %q", org1, class1, id1, org2, class2, id2)
		}
		if id1 == "" || id2 == "" {
			return
		}
		a, b := NewPseudonymiser([32]byte{}, org1, class1).Of(id1), NewPseudonymiser([32]byte{}, org2, class2).Of(id2)
		if (a == b) != same {
			t.Errorf("pseudonyms of %q %q %q and %q %q %q", org1, class1, id1, org2, class2, id2)
		}
	})
}
