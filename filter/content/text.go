package content

import (
	"bytes"
	"strings"
)

// textRows is the table of what text begins with that is more than text; letters match in either case. Sources: the
// documentation of the format.
var textRows = [...]struct {
	magic string
	kind  Kind
}{
	{"#!/", Script},
	{"#! /", Script},
	{"#!\t/", Script}, // execve(2)
	{"@echo off", Script},
	{"@echo on", Script},
	{"#@~^", Script}, // cmd.exe; Microsoft Script Encoder
	{"<?php", Script},
	{"<job", Script},
	{"<scriptlet", Script},
	{"<hta:application", Script},
	{"Windows Registry Editor Version", Script},
	{"REGEDIT4", Script},
	{"[InternetShortcut]", Shortcut},
	{"[{000214A0-0000-0000-C000-000000000046}]", Shortcut},
	{"[Desktop Entry]", Shortcut},
	{"[Shell]\r", Shortcut},
	{"[Shell]\n", Shortcut},
	{"<jnlp", Shortcut},
	{"# Disk DescriptorFile", DiskImage},
	{"-----BEGIN PGP MESSAGE", Data},
}

// rootRows is the table of the first elements of XML and HTML that say what the text is; names without their namespace
// prefix, in lower case. Text that begins with another element is text.
var rootRows = map[string]Kind{
	"scriptlet": Script,                                                 // Windows Script Components
	"jnlp":      Shortcut, "metalink": Shortcut, "pcsettings": Shortcut, // JSR 56, RFC 5854, SettingContent
	"appinstaller": Installer, "assembly": Installer, // App Installer, ClickOnce and VSTO
	"svg":  Media,
	"html": WebPage, "head": WebPage, "body": WebPage, "script": WebPage, "style": WebPage, "title": WebPage,
	"meta": WebPage, "link": WebPage, "base": WebPage, "noscript": WebPage, "template": WebPage, "iframe": WebPage, "form": WebPage,
	"div": WebPage, "p": WebPage, "a": WebPage, "table": WebPage, "h1": WebPage, "h2": WebPage, "br": WebPage, "span": WebPage,
	"img": WebPage, "ul": WebPage, "main": WebPage, "section": WebPage, "article": WebPage, "header": WebPage, "nav": WebPage,
	"center": WebPage, "font": WebPage, "b": WebPage, "pre": WebPage,
}

// maxProlog bounds what is read of a text, in bytes, to find where it begins: blanks, XML declaration, comments, DOCTYPE.
const maxProlog = 1 << 10

// blanks are the characters that may stand before a text begins.
const blanks = " \t\r\n\f"

// blankLook is the number of blanks after which an answer of an API is not waited for.
const blankLook = 4

// lookText says what a file is that begins as text does.
func lookText(p prefix) (Kind, int) {
	b := p.b[:min(len(p.b), maxProlog)]
	final := p.final || len(b) == maxProlog
	if p.quick && !p.page && len(b) >= blankLook && len(bytes.TrimLeft(b[:blankLook], blanks)) == 0 {
		return Text, 0 // an API that keeps its connection alive until it has an answer
	}
	t, whole := unmark(b)
	if !whole && !final {
		return Text, len(b) + 1
	}
	t = bytes.TrimLeft(t, blanks)
	if len(t) == 0 {
		return Text, len(b) + 1
	}
	for _, row := range textRows {
		n := min(len(t), len(row.magic))
		if !strings.EqualFold(string(t[:n]), row.magic[:n]) {
			continue
		}
		if n == len(row.magic) {
			return row.kind, 0
		}
		if !final {
			return Text, len(b) + 1
		}
	}
	switch t[0] {
	case '<':
		return markup(t, len(b), final)
	case '{':
		return WebAsset, 0
	}
	return Text, 0
}

// unmark returns b without its byte order mark, and UTF-16 narrowed to bytes. It reports false while b may still become a
// mark.
func unmark(b []byte) ([]byte, bool) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return b[3:], true
	case len(b) < 3 && b[0] == 0xef, len(b) < 2 && b[0] >= 0xfe:
		return b, false
	case utf16(b):
		low := 2 + int(b[0]&1^1) // the low byte comes first after FF FE
		var narrow []byte
		for i := low; i < len(b) && len(narrow) < blockLook; i += 2 {
			narrow = append(narrow, b[i])
		}
		return narrow, true
	}
	return b, true
}

// markup says what text is that begins with '<': by the name of the first element after declarations and comments. n is
// the number of bytes that were read to get here.
func markup(t []byte, n int, final bool) (Kind, int) {
	for {
		t = bytes.TrimLeft(t, blanks)
		var end string
		switch {
		case len(t) < 4 && !final:
			return Text, n + 4 - len(t)
		case bytes.HasPrefix(t, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(t, []byte("<?")):
			end = "?>"
		default:
			return root(t, n, final)
		}
		i := bytes.Index(t, []byte(end))
		if i < 0 {
			if final {
				return WebPage, 0
			}
			return WebPage, n + 1
		}
		t = t[i+len(end):]
	}
}

// root says what text is that begins with an element or a document type.
func root(t []byte, n int, final bool) (Kind, int) {
	if len(t) == 0 || t[0] != '<' {
		return Text, 0
	}
	end := bytes.IndexAny(t, " \t\r\n\f/>")
	if end < 0 && !final {
		return Text, n + 1
	}
	if end < 0 {
		end = len(t)
	}
	name := strings.ToLower(string(t[1:end]))
	if prefix, local, ok := strings.Cut(name, ":"); ok && !strings.HasPrefix(prefix, "!") {
		name = local
	}
	switch name {
	case "!doctype": // it names the first element
		const enough = 16
		rest := bytes.TrimLeft(t[end:], blanks)
		return root(append([]byte{'<'}, rest[:min(len(rest), enough)]...), n, final || len(rest) >= enough)
	case "job", "package", "component": // of Windows Script Host, or of anybody: only the former hold scripts
		if bytes.Contains(bytes.ToLower(t), []byte("<script")) {
			return Script, 0
		}
		return Text, n + 1
	}
	if k, ok := rootRows[name]; ok {
		return k, 0
	}
	return Text, 0
}
