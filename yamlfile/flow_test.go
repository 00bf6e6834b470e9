package yamlfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keersluis/keersluis/yamlfile"
)

// Addresses are written in every style that people know.
func TestAddressesInFlowStyle(t *testing.T) {
	type resolver struct {
		Listen    string   `yaml:"listen"`
		Upstreams []string `yaml:"upstreams"`
	}
	type config struct {
		Resolver resolver `yaml:"resolver"`
	}
	for _, tt := range []struct {
		text string
		want resolver
	}{
		{`resolver: {listen: 127.0.0.1:53, upstreams: [127.0.0.1:5553]}`, resolver{"127.0.0.1:53", []string{"127.0.0.1:5553"}}},
		{`resolver: {upstreams: [10.0.0.1:53, "10.0.0.2:53",10.0.0.3:53]}`, resolver{"", []string{"10.0.0.1:53", "10.0.0.2:53", "10.0.0.3:53"}}},
		{`resolver: {upstreams: [fd00:1::53, abc::1], listen: ":53"}`, resolver{":53", []string{"fd00:1::53", "abc::1"}}},
		{"resolver:\n  upstreams: [127.0.0.1:5553]", resolver{"", []string{"127.0.0.1:5553"}}},
		{"resolver:\n  upstreams:\n    - 127.0.0.1:5553\n    - host:53", resolver{"", []string{"127.0.0.1:5553", "host:53"}}},
		{"resolver: {\n  upstreams: [\n    127.0.0.1:5553,\n    b:1\n  ]\n}", resolver{"", []string{"127.0.0.1:5553", "b:1"}}},
	} {
		var got config
		if err := yamlfile.Read("x.yaml", []byte(tt.text), &got).Err(); err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if d := cmp.Diff(tt.want, got.Resolver); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, d)
		}
	}
	var into config
	if err := yamlfile.Read("x.yaml", []byte(`resolver: {upstreams: [a: b]}`), &into).Err(); err == nil {
		t.Error("a mapping in the list was taken for text")
	}
}

// Two letters changed over are as near as one that is wrong.
func TestSuggestsSwappedLetters(t *testing.T) {
	for got, want := range map[string]string{"crid": "cidr", "nmae": "name", "cdir": "cidr", "role": "roles"} {
		if err := yamlfile.Unknown("key", got, []string{"cidr", "device", "name", "roles"}); !strings.Contains(err.Error(), want) {
			t.Errorf("Unknown(%q) = %v, want %s suggested", got, err, want)
		}
	}
}
