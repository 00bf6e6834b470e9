package yamlfile

import (
	"fmt"
	"io"
	"os"
)

// Document is a file that was read: where each key stands, and what is wrong. Not safe for concurrent use.
type Document struct {
	name       string
	positions  map[string]position // of values, by path
	keys       map[string]position // of the keys of mappings, by path
	faulty     map[string]bool     // paths that have a problem
	problems   []Problem
	left       int  // problems beyond maxProblems
	unreadable bool // no value was read, so nothing can be said of values
}

// position is where something stands in the file, both from 1.
type position struct{ line, column int }

// Read reads data, the content of the file called name, into the struct that into points at and that holds the defaults.
// There is no error to forget: the caller adds what it finds itself with [Document.Problemf] and then asks
// [Document.Err] for everything. After a problem the value concerned keeps its default.
func Read(name string, data []byte, into any) *Document {
	d := &Document{
		name:      name,
		positions: map[string]position{"": {1, 1}},
		keys:      map[string]position{},
		faulty:    map[string]bool{},
	}
	if body := d.parse(data); body != nil {
		d.decodeRoot(body, into)
	}
	return d
}

// ReadFile is [Read] of a file on disk. The error is that of opening or reading it, nothing else.
func ReadFile(name string, into any) (*Document, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err // names the operation and the file
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1)) // one more than parse accepts
	if err := f.Close(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	return Read(name, data, into), nil
}

// Problemf adds a problem that the caller sees in the value at path: keys joined by dots and list indexes in brackets,
// "users[0].name". A path that the file doesn't have stands where the nearest part of it that it does have stands. What
// [Read] already refused is not reported twice.
func (d *Document) Problemf(path, format string, args ...any) {
	d.add(d.at(path), path, fmt.Sprintf(format, args...))
}

// KeyProblemf is [Document.Problemf] for what the caller sees in the last key of path itself: a name that nobody knows.
func (d *Document) KeyProblemf(path, format string, args ...any) {
	at, ok := d.keys[path]
	if !ok {
		at = d.at(path)
	}
	d.add(at, path, fmt.Sprintf(format, args...))
}

// Has reports whether the file has the path, with or without a value.
func (d *Document) Has(path string) bool {
	_, ok := d.positions[path]
	return ok
}

// Line returns the line, from 1, on which the value at path stands, or the nearest part of path that the file has.
func (d *Document) Line(path string) int { return d.at(path).line }

func (d *Document) at(path string) position {
	for ; ; path = parent(path) {
		if p, ok := d.positions[path]; ok || path == "" {
			return p
		}
	}
}
