package yamlfile

import (
	"slices"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// rejoin mends what the lexer (goccy/go-yaml 1.19.2) gets wrong in a list within braces, {upstreams: [10.0.0.1:53]}: it
// takes the colon for that of a key, though no space follows it (YAML 1.2.2, section 7.3.3). Tokens that touch are one
// plain scalar.
func rejoin(tokens token.Tokens) token.Tokens {
	out := make(token.Tokens, 0, len(tokens))
	var brackets []token.Type // that are open
	for i := 0; i < len(tokens); i++ {
		tk := tokens[i]
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets = append(brackets, tk.Type)
		case token.SequenceEndType, token.MappingEndType:
			brackets = brackets[:max(0, len(brackets)-1)]
		case token.MappingValueType:
			inList := len(brackets) > 0 && brackets[len(brackets)-1] == token.SequenceStartType
			if inList && len(out) > 0 && i+1 < len(tokens) && touch(out[len(out)-1], tk) && touch(tk, tokens[i+1]) {
				before := out[len(out)-1]
				text := before.Value + tk.Value + tokens[i+1].Value
				out[len(out)-1] = token.New(text, text, before.Position)
				i++
				continue
			}
		}
		out = append(out, tk)
	}
	linked := make(token.Tokens, 0, len(out))
	linked.Add(out...)
	return linked
}

// touch reports whether b begins where a ends and both are plain: not quoted, and no mark but a colon.
func touch(a, b *token.Token) bool {
	plain := func(tk *token.Token) bool {
		return tk.Type == token.MappingValueType || slices.Contains([]token.Type{
			token.StringType, token.IntegerType, token.FloatType, token.NullType, token.BoolType, token.HexIntegerType, token.OctetIntegerType,
		}, tk.Type)
	}
	return plain(a) && plain(b) && a.Position.Line == b.Position.Line &&
		a.Position.Column+utf8.RuneCountInString(a.Value) == b.Position.Column
}
