package content_test

import (
	"strings"
	"testing"

	"github.com/keersluis/keersluis/filter/content"
)

// TestDispositions is row 17 of the evasions: whatever name a reader could take, counts.
func TestDispositions(t *testing.T) {
	tests := []struct {
		value string
		want  content.Kind
	}{
		{`attachment; filename=setup.exe`, content.Executable},
		{`attachment; filename="setup.exe"`, content.Executable},
		{`ATTACHMENT; FileName="SETUP.EXE"`, content.Executable},
		{`attachment;filename = "setup.exe" ; size=3`, content.Executable},
		{`attachment; filename=a b setup.exe`, content.Executable},
		{`attachment; filename="a.pdf"; filename="b.exe"`, content.Executable},
		{`attachment; filename="b.exe"; filename="a.pdf"`, content.Executable},
		{`attachment; filename="a.pdf"; filename*=UTF-8''setup%2Eexe`, content.Executable},
		{`attachment; filename*=UTF-8''a.pdf; filename="setup.exe"`, content.Executable},
		{`attachment; filename*=UTF-8''%73%65%74%75%70%2e%65%78%65`, content.Executable},
		{`attachment; filename*="UTF-8''setup%252eexe"`, content.Executable},
		{`attachment; filename*=iso-8859-1'en'%A3setup.exe`, content.Executable},
		{`attachment; filename*0="set"; filename*1="up.exe"`, content.Executable},
		{`attachment; filename*0*=UTF-8''set; filename*1*=up%2E; filename*2="exe"`, content.Executable},
		{`attachment; filename="=?UTF-8?B?c2V0dXAuZXhl?="`, content.Executable},
		{`attachment; filename="=?utf-8?Q?setup=2Eexe?="`, content.Executable},
		{`attachment; filename="a\"b.exe"`, content.Executable},
		{`attachment; filename="a;b.exe"`, content.Executable},
		{`attachment; filename="a.pdf;b.exe`, content.Executable},
		{`attachment; filename="dir/setup.exe"`, content.Executable},
		{`attachment; filename="C:\\dir\\setup.exe"`, content.Executable},
		{`attachment; filename="C:\dir\setup.exe"`, content.Executable},
		{`attachment; filename="..%2f..%2fsetup.exe"`, content.Executable},
		{`attachment; filename="setup.exe."`, content.Executable},
		{`attachment; filename="setup.exe .. "`, content.Executable},
		{"attachment; filename=\"setup.exe\u00a0\u3000\"", content.Executable},
		{"attachment; filename=\"setup.exe\x00.pdf\"", content.Executable},
		{"attachment; filename=\"setup.e\x00xe\"", content.Executable},
		{"attachment; filename=\"invoice_\u202efdp.exe\"", content.Executable},
		{"attachment; filename=\"setup.\u200bexe\u202e\"", content.Executable},
		{"attachment; filename=\"setup.\u200ee\u200fx\u2066e\"", content.Executable},
		{"attachment; filename=\"setup\uff0e\uff45\uff58\uff45\"", content.Executable},
		{`attachment; filename="setup.exe::$DATA"`, content.Executable},
		{`attachment; filename="setup.exe:Zone.Identifier"`, content.Executable},
		{`attachment; filename='setup.exe'`, content.Executable},
		{"attachment; filename=\"r\xc3\xa9sum\xe9 \xff.exe\"", content.Executable},
		{`inline; filename="setup.exe"`, content.Executable},
		{`filename="setup.exe"`, content.Executable},
		{`form-data; name="x"; filename="setup.exe"`, content.Executable},
		{`attachment; filename="folder.{21EC2020-3AEA-1069-A2DD-08002B30309D}"`, content.Shortcut},
		{`attachment; filename="setup.exe.gz"`, content.Bundle},
		{`attachment; filename="setup.msi.xz"`, content.Bundle},
		{`attachment; filename="report.docm"`, content.Macro},
		{`attachment; ` + strings.Repeat(`x="y"; `, 5000) + `filename="setup.exe"`, content.Executable},
		{`attachment; filename="` + strings.Repeat("a", 100_000) + `.exe"`, content.Executable},

		{`attachment; filename="setup.exe.pdf"`, content.Data},
		{`attachment; filename="report.pdf"`, content.Data},
		{`attachment; filename="exe"`, content.Data},
		{`attachment; filename="besluit 12.3 versie 1.0"`, content.Data},
		{`attachment; filename="agenda 10:30.pdf"`, content.Data},
		{`attachment; x="filename=setup.exe"`, content.Data},
		{`attachment`, content.Data},
		{``, content.Data},
		{`;;;=;"`, content.Data},
	}
	for _, tt := range tests {
		e := content.Evidence{URLPath: "/get", Disposition: []string{tt.value}}
		if got := judge(e, []byte{1, 2, 3}, 0); got.Kind != tt.want {
			t.Errorf("%.80q = %v, want %s", tt.value, got, tt.want)
		}
		e.Disposition = []string{"attachment; filename=a.pdf", tt.value}
		if got := judge(e, []byte{1, 2, 3}, 0); got.Kind.Software() != tt.want.Software() {
			t.Errorf("second value %.80q = %v, want %s", tt.value, got, tt.want)
		}
	}
}

func TestPaths(t *testing.T) {
	tests := []struct {
		path string
		want content.Kind
	}{
		{"/setup.exe", content.Executable},
		{"/SETUP.EXE", content.Executable},
		{"/a/b/setup.msi", content.Installer},
		{"/setup%2Eexe", content.Executable},
		{"/setup%252Eexe", content.Executable},
		{"/setup.exe;jsessionid=12", content.Executable},
		{"/setup.exe/", content.Executable},
		{"/setup.exe%20", content.Executable},
		{"/setup.exe%00.pdf", content.Executable},
		{"/dir%5csetup.exe", content.Executable},
		{"/" + strings.Repeat("a", 10_000) + "/setup.exe", content.Executable},
		{"/lib.jar", content.Package},
		{"/a.apk", content.Package},
		{"/a.deb", content.Installer},
		{"/a.rpm", content.Installer},
		{"/a.dmg", content.DiskImage},
		{"/a.iso", content.DiskImage},
		{"/a.lnk", content.Shortcut},
		{"/a.hta", content.Script},
		{"/a.bat", content.Script},
		{"/a.vbs", content.Script},
		{"/a.reg", content.Script},
		{"/a.xlsm", content.Macro},
		{"/a.aspx", content.Data},
		{"/login.action", content.Data},
		{"/", content.Data},
		{"", content.Data},
		{"/setup.exe/readme", content.Data},
		{"/report.pdf", content.Data},
		{"/%zz.exe%", content.Data},
	}
	for _, tt := range tests {
		e := content.Evidence{URLPath: tt.path, Type: []string{"application/octet-stream"}}
		if got := judge(e, []byte{1, 2, 3}, 0); got.Kind != tt.want {
			t.Errorf("%.60q = %v, want %s", tt.path, got, tt.want)
		}
	}
}

func TestKinds(t *testing.T) {
	seen := map[content.Kind]bool{}
	soft := true
	for _, k := range content.Kinds() {
		if seen[k] || k == "" {
			t.Errorf("kind %q is there twice or empty", k)
		}
		seen[k] = true
		if k.Software() && !soft {
			t.Errorf("%s is software but less strict than a kind that is not", k)
		}
		soft = k.Software()
	}
	if content.Kind("exe").Software() {
		t.Error("a kind that doesn't exist is software")
	}
}

// FuzzNames holds that what a header says can only make a verdict stricter.
func FuzzNames(f *testing.F) {
	f.Add(`attachment; filename="a.exe"`, "/a%2eexe", "a=b.exe")
	f.Add(`attachment; filename*0*=UTF-8''a; filename*1=".exe"`, "/a;b/c", "a.exe")
	f.Add(`x; filename="=?utf-8?b?`, "//", "&&;=")
	f.Fuzz(func(t *testing.T, disposition, path, query string) {
		judge(content.Evidence{URLPath: path, Query: query, Disposition: []string{disposition}}, nil, 0)
		e := content.Evidence{Disposition: []string{disposition}}
		alone := judge(e, []byte{1}, 0).Kind.Software()
		e.Disposition = append(e.Disposition, `attachment; filename="a.pdf"`)
		if alone && !judge(e, []byte{1}, 0).Kind.Software() {
			t.Errorf("a second value hides %q", disposition)
		}
	})
}
