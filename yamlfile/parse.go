package yamlfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The parser below is quadratic in the length of a mapping (1 MiB of short keys takes it 25 s) and recursive in depth,
// so it is shown only what these bounds let through. The worst such file takes it a few seconds, an honest one of 3,000
// entries of four keys 0.2 s.
const (
	maxBytes  = 1 << 20
	maxTokens = 1 << 16
	maxDepth  = 32 // of brackets, or of list dashes on one line
)

// parse returns the body of the one document in data, or nil when it is empty or can't be read, which is then noted.
func (d *Document) parse(data []byte) ast.Node {
	if len(data) > maxBytes {
		return d.refuse(position{1, 1}, "the file is longer than 1 MiB")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return d.refuse(invalidAt(data), "the file is not UTF-8")
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return d.refuse(positionIn(data, i), "the file holds a NUL byte")
	}
	tokens := rejoin(lexer.Tokenize(string(data)))
	if !d.bounded(tokens) || !d.plain(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // doubled keys are reported by decode, all of them
	if err != nil {
		return d.refuseSyntax(err)
	}
	return d.single(file)
}

// refuse notes why nothing of the file is read.
func (d *Document) refuse(at position, reason string) ast.Node {
	d.note(at, "", reason)
	d.unreadable = true
	return nil
}

func (d *Document) refuseSyntax(err error) ast.Node {
	at, reason := position{1, 1}, err.Error()
	if e, ok := err.(yaml.Error); ok {
		reason = e.GetMessage()
		if tk := e.GetToken(); tk != nil {
			at = tokenAt(tk)
		}
	}
	return d.refuse(at, "not YAML: "+reason)
}

// bounded reports whether the tokens are few and shallow enough to be parsed, and notes if not.
func (d *Document) bounded(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		d.refuse(tokenAt(tokens[maxTokens]), fmt.Sprintf("the file has more than %d keys, values and marks", maxTokens))
		return false
	}
	brackets, dashes, line := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			dashes, line = 0, tk.Position.Line
		}
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		}
		if brackets > maxDepth || dashes > maxDepth {
			d.refuse(tokenAt(tk), fmt.Sprintf("nested more than %d deep", maxDepth))
			return false
		}
	}
	return true
}

// plain reports whether the tokens keep to the subset of YAML that is read here, and notes each that doesn't.
func (d *Document) plain(tokens token.Tokens) bool {
	ok := true
	for _, tk := range tokens {
		if reason := refused(tk); reason != "" {
			d.refuse(tokenAt(tk), reason)
			ok = false
		}
	}
	return ok
}

// refused returns why a token isn't accepted, or "".
func refused(tk *token.Token) string {
	switch tk.Type {
	case token.AnchorType:
		return "anchors (&) are not used here; put text that begins with & in quotes"
	case token.AliasType:
		return "aliases (*) are not used here; put text that begins with * in quotes"
	case token.TagType:
		return "tags (!) are not used here; put text that begins with ! in quotes"
	case token.MergeKeyType:
		return "merge keys (<<) are not used here; write the keys out"
	case token.DirectiveType:
		return "directives (%) are not used here"
	case token.MappingKeyType:
		return "keys with a question mark are not used here"
	}
	return ""
}

// single returns the body of the only document of a file. Empty documents before or after it are forgiven.
func (d *Document) single(file *ast.File) ast.Node {
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.CommentType:
		case body != nil:
			return d.refuse(nodeAt(doc.Body), "a second document; a file has one")
		default:
			body = doc.Body
		}
	}
	return body
}

// nodeAt returns where a node begins. The parser takes the colon of its first key for the place of a mapping.
func nodeAt(n ast.Node) position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return tokenAt(n.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return tokenAt(n.Key.GetToken())
	}
	return tokenAt(n.GetToken())
}

func tokenAt(tk *token.Token) position {
	if tk == nil || tk.Position == nil {
		return position{1, 1}
	}
	return position{max(1, tk.Position.Line), max(1, tk.Position.Column)}
}

// invalidAt returns where data stops being UTF-8.
func invalidAt(data []byte) position {
	valid := strings.ToValidUTF8(string(data), "\x00")
	return positionIn([]byte(valid), strings.IndexByte(valid, 0))
}

// positionIn returns where the byte at offset stands.
func positionIn(data []byte, offset int) position {
	before := data[:max(0, offset)]
	return position{1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])}
}
