package blocklists

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"time"

	"github.com/keersluis/keersluis/filter"
)

// maxIncludes bounds the files that one v2fly file leads to.
const maxIncludes = 1000

// v2flyLine reads "domain:name", "full:name" and a bare name of a file of v2fly's domain-list-community. What stands behind
// them ("@ads", "&group") sorts the entries of that project and changes nothing here. That an include was complained about
// here means that nobody followed it.
func v2flyLine(line []byte, emit func(filter.Entry)) string {
	rule, rest := nextField(uncomment(line))
	if len(rule) == 0 {
		return ""
	}
	kind, value, ok := bytes.Cut(rule, []byte(":"))
	if !ok {
		kind, value = []byte("domain"), rule
	}
	switch string(kind) {
	case "keyword":
		return "a word inside a name, which is not read"
	case "regexp":
		return "a regular expression, which is not read"
	case "include":
		return reasonInclude
	}
	for more := rest; len(more) > 0; {
		var mark []byte
		if mark, more = nextField(more); mark[0] != '@' && mark[0] != '&' {
			return "more than one word; only @attributes and &groups may stand behind a rule"
		}
	}
	switch {
	case len(value) == 0:
		return "a rule without a name"
	case string(kind) == "domain":
		return emitName(value, emit)
	case string(kind) == "full":
		emit(filter.Entry{Host: value, Exact: true})
		return ""
	}
	return "a kind of rule that v2fly doesn't have"
}

const reasonInclude = "names another list, which is only followed from a file with the format v2fly, and not for some attributes"

// v2flyIncluded reads what v2flyLine does in a file whose includes were followed.
func v2flyIncluded(line []byte, emit func(filter.Entry)) string {
	if include(line) != "" {
		return ""
	}
	return v2flyLine(line, emit)
}

// fileName is what v2fly files are called: nothing that leads out of their folder.
var fileName = regexp.MustCompile(`^[A-Za-z0-9_!-][A-Za-z0-9_!.-]{0,63}$`)

// include returns the file that a line includes whole, or "".
func include(line []byte) string {
	rule, rest := nextField(uncomment(line))
	name, ok := bytes.CutPrefix(rule, []byte("include:"))
	if !ok || len(rest) > 0 || !fileName.Match(name) {
		return ""
	}
	return string(name)
}

// locateV2Fly returns the file and what it includes from its folder, each once, however they name each other.
func locateV2Fly(file string, now time.Time) ([]place, error) {
	places := []place{{"", file}}
	known := map[string]bool{filepath.Base(file): true}
	for i := 0; i < len(places); i++ {
		_, err := places[i].read(now, func(r io.Reader) error {
			return includes(r, func(name string) {
				if !known[name] {
					known[name] = true
					places = append(places, place{name, filepath.Join(filepath.Dir(file), name)})
				}
			})
		})
		if err != nil {
			return nil, err
		}
		if len(places) > maxIncludes {
			return nil, fmt.Errorf("%s leads to more than %d files", file, maxIncludes)
		}
	}
	return places, nil
}

// includes calls found with each file that a text includes.
func includes(text io.Reader, found func(string)) error {
	br := bufio.NewReaderSize(text, bufSize)
	for {
		line, err := br.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			err = skipLine(br)
		} else if name := include(line); name != "" {
			found(name)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
