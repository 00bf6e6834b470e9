package content

import (
	"mime"
	"strings"
)

// maxDisposition bounds one Content-Disposition value, in bytes; of a longer one its start and its end are read.
const maxDisposition = 16 << 10

// attached reports whether a Content-Disposition value makes browsers save the body: any type but inline (RFC 6266
// section 4.2: an unknown type is treated as attachment). A value without a type, as sloppy servers send it, is inline.
func attached(value string) bool {
	t, _, _ := strings.Cut(value, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	return t != "" && t != "inline" && !strings.Contains(t, "=")
}

// dispositionNames calls yield with every file name that some reader could take from a Content-Disposition value. It is
// no parser of RFC 6266: it gives more names than one reader would see, because readers differ on duplicates, quotes, escapes
// and encodings, and the one that counts is not known.
func dispositionNames(value string, yield func(string)) {
	if len(value) > maxDisposition {
		end := value[len(value)-maxDisposition/2:]
		dispositionNames(end, yield)
		parameterNames(end, yield) // it may be the end of one long name
		value = value[:maxDisposition/2]
	}
	for _, quotes := range [...]bool{true, false} {
		var joined strings.Builder // the parts of RFC 2231 continuations, in the order they came in
		for rest := value; rest != ""; {
			var param string
			param, rest = cutParameter(rest, quotes)
			key, v, ok := strings.Cut(param, "=")
			if key = strings.ToLower(strings.TrimSpace(key)); !ok || !strings.HasPrefix(key, "filename") && key != "name" {
				continue
			}
			parameterNames(v, yield)
			if strings.Contains(key, "*") && joined.Len() < maxName {
				joined.WriteString(unquote(v))
			}
		}
		if joined.Len() > 0 {
			parameterNames(joined.String(), yield)
		}
		if strings.IndexByte(value, '"') < 0 {
			return
		}
	}
}

// cutParameter returns value up to its first semicolon, and what follows. With quotes set, a semicolon inside a quoted
// string (RFC 9110 section 5.6.4) doesn't end it.
func cutParameter(value string, quotes bool) (param, rest string) {
	quoted := false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"' && quotes:
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ';' && !quoted:
			return value[:i], value[i+1:]
		}
	}
	return value, ""
}

// parameterNames calls yield with the readings of one value: as it stands, unquoted, decoded by RFC 8187 (charset'language'text),
// RFC 2047 (encoded words, which browsers accept here) and plain percent-encoding.
func parameterNames(v string, yield func(string)) {
	v = strings.TrimSpace(v)
	decodings(v, yield)
	plain := unquote(v)
	if plain != v {
		decodings(plain, yield)
	}
	if parts := strings.SplitN(plain, "'", 3); len(parts) == 3 {
		decodings(parts[2], yield)
	}
	if strings.Contains(plain, "=?") && len(plain) <= maxName {
		if t, err := new(mime.WordDecoder).DecodeHeader(plain); err == nil {
			decodings(t, yield)
		}
	}
}

// unquote undoes a quoted string: without its quotes, what follows the closing one, and the backslashes of its escapes.
func unquote(v string) string {
	v = strings.TrimSpace(v)
	if !strings.HasPrefix(v, `"`) {
		return v
	}
	var b strings.Builder
	for i := 1; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"':
			return b.String()
		case c == '\\' && i+1 < len(v):
			i++
			b.WriteByte(v[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
