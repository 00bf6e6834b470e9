package page

import (
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// Lang is a language that we write.
type Lang string

// The languages. Dutch is the one for who asks for neither.
const (
	Dutch   Lang = "nl"
	English Lang = "en"
)

// maxAccept bounds how much of a header of preferences is read, in bytes. Browsers send below 200.
const maxAccept = 1024

var matcher = language.NewMatcher([]language.Tag{language.Dutch, language.English})

// Language returns the language to answer r in, by its Accept-Language.
func Language(r *http.Request) Lang {
	wanted, _, err := language.ParseAcceptLanguage(header(r, "Accept-Language"))
	if err != nil {
		return Dutch
	}
	if _, index, confidence := matcher.Match(wanted...); index == 1 && confidence > language.No {
		return English
	}
	return Dutch
}

// media is a form that an answer can take.
type media uint8

// The forms, the one preferred among equals first.
const (
	html media = iota
	problemJSON
	plain
	mediaCount
)

// names returns the main type, the subtype and the other subtypes that ask for m.
func (m media) names() (string, []string) {
	switch m {
	case html:
		return "text", []string{"html"}
	case problemJSON:
		return "application", []string{"problem+json", "json"}
	case plain, mediaCount:
	}
	return "text", []string{"plain"}
}

// preferred returns the form that r asks for by Accept. Who takes anything gets the web page: it is the form for a
// person, and a program that wants another can say so. Who takes none of ours gets the page as well, because the status
// says enough to a program.
func preferred(r *http.Request) media {
	best, bestWeight := html, 0.0
	ranges := strings.Split(header(r, "Accept"), ",")
	for m := range mediaCount {
		if w := weight(ranges, m); w > bestWeight {
			best, bestWeight = m, w
		}
	}
	return best
}

// weight returns how much ranges want m, from 0 up: the quality of the most specific range that covers it (RFC 9110
// section 12.5.1), and among equal qualities a named type goes before a wildcard.
func weight(ranges []string, m media) float64 {
	kind, subtypes := m.names()
	weight, specific := 0.0, 0
	for _, text := range ranges {
		name, parameters, _ := strings.Cut(text, ";")
		s := specificity(strings.ToLower(strings.TrimSpace(name)), kind, subtypes)
		if s == 0 || s < specific {
			continue
		}
		if w := quality(parameters) * (1 + float64(s)/1e4); s > specific || w > weight {
			specific, weight = s, w
		}
	}
	return weight
}

// specificity returns 3 where name is one of the types, 2 for the main type with any subtype, 1 for anything, else 0.
func specificity(name, kind string, subtypes []string) int {
	if name == "*/*" {
		return 1
	}
	main, sub, ok := strings.Cut(name, "/")
	if !ok || main != kind {
		return 0
	}
	if sub == "*" {
		return 2
	}
	for _, s := range subtypes {
		if sub == s {
			return 3
		}
	}
	return 0
}

// quality returns the q parameter, 1 where there is none and 0 where it can't be read.
func quality(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		q, err := strconv.ParseFloat(value, 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// header returns the values of a list header as one, cut to maxAccept.
func header(r *http.Request, name string) string {
	all := strings.Join(r.Header.Values(name), ",")
	if len(all) > maxAccept {
		all = all[:maxAccept]
	}
	return all
}
