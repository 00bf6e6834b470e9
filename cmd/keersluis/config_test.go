package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each bad file begins with the messages it must give, one a comment line, without the name of the file.
func TestBadConfigs(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad configurations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".bad.yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(text)) {
				message, ok := strings.CutPrefix(line, "# ")
				if !ok {
					break
				}
				want = append(want, file+":"+strings.TrimSuffix(message, "\n"))
			}
			_, err = load(paths{config: file, data: t.TempDir()})
			if err == nil {
				t.Fatal("load says nothing is wrong")
			}
			if d := cmp.Diff(want, strings.Split(err.Error(), "\n")); d != "" {
				t.Errorf("messages (-want +got):\n%s", d)
			}
		})
	}
}

// docs/keersluis.yaml is the reference: it is right, and it has every key.
func TestDocumentedConfig(t *testing.T) {
	const file = "../../docs/keersluis.yaml"
	s, err := load(paths{config: file})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Users) != 1 || len(s.Lists) != 3 || len(s.Networks) != 2 {
		t.Errorf("the documented lists were not read: %d users, %d lists, %d networks", len(s.Users), len(s.Lists), len(s.Networks))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var missing func(t reflect.Type) []string
	missing = func(typ reflect.Type) (out []string) {
		for typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return nil
		}
		for i := range typ.NumField() {
			key := typ.Field(i).Tag.Get("yaml")
			if key == "" {
				continue
			}
			if !strings.Contains(string(text), key+":") {
				out = append(out, key)
			}
			out = append(out, missing(typ.Field(i).Type)...)
		}
		return out
	}
	if m := missing(reflect.TypeFor[Config]()); m != nil {
		t.Errorf("docs/keersluis.yaml does not show %v", m)
	}
}

func TestDefaults(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/var/lib/state")
	s, err := load(paths{})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{string(s.Proxy.Listen), string(s.Resolver.Listen), string(s.Portal.Listen), s.Data}
	want := []string{"127.0.0.1:3128", "127.0.0.1:5300", "127.0.0.1:8480", "/var/lib/state/keersluis"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("defaults (-want +got):\n%s", d)
	}
	if s, err = load(paths{data: "/elsewhere"}); err != nil || s.Data != "/elsewhere" {
		t.Errorf("--data gives %q, %v", s.Data, err)
	}
}
