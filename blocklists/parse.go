package blocklists

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/keersluis/keersluis/filter"
)

const (
	maxLine  = 4 << 10 // bytes of a line
	maxText  = 1 << 30 // bytes of a list, decompressed
	maxShown = 80      // bytes of a line in a complaint
	bufSize  = 64 << 10
)

// Reasons that more than one format has.
const (
	reasonLeads = "the address leads somewhere; only 0.0.0.0, 127.0.0.1, :: and ::1 mean that a name is unwanted"
	reasonQuery = "a rule with a query or a fragment; without it the rule would block more than it says"
)

var errTooLarge = errors.New("larger than the limit for a list")

// Parse walks the list text r and hands every entry to entry, until that returns false. A line that can't be used goes to
// complain, and the rest is read. Lines longer than 4 KiB can't be used. The error is of reading r, of its size (1 GiB),
// or of a text whose format can't be told. Complaints carry no list name: the caller knows it. Host of an entry
// is valid until entry returns.
func Parse(r io.Reader, f Format, entry func(filter.Entry) bool, complain func(filter.Complaint)) error {
	return parseLines(r, f.parser(), entry, complain)
}

// parseLines is Parse with a parser of lines; nil: of a format yet to be told.
func parseLines(r io.Reader, line lineParser, entry func(filter.Entry) bool, complain func(filter.Complaint)) error {
	text, err := decode(r)
	if err != nil {
		return err
	}
	br := bufio.NewReaderSize(text, bufSize)
	if line == nil {
		head, err := br.Peek(bufSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read list: %w", err)
		}
		f, err := detect(head)
		if err != nil {
			return err
		}
		if line = f.parser(); f == Domains {
			line = plainLine // a rule for a path may come late, and says what it is
		}
	}
	p := parser{line: line, entry: entry, complain: complain}
	return p.run(br)
}

// lineParser takes one line that isn't blank, without the blanks at its end, gives its entries to emit, and returns why it
// can't be used, or "". It sets no line numbers. It may remember lines before: each text has its own.
type lineParser func(line []byte, emit func(filter.Entry)) string

type parser struct {
	line     lineParser
	entry    func(filter.Entry) bool
	complain func(filter.Complaint)
	number   int
	stopped  bool
}

func (p *parser) run(br *bufio.Reader) error {
	emit := func(e filter.Entry) {
		if !p.stopped {
			e.Line = p.number
			p.stopped = !p.entry(e)
		}
	}
	for !p.stopped {
		line, err := br.ReadSlice('\n')
		p.number++
		switch {
		case err == nil, errors.Is(err, io.EOF):
			p.use(line, emit)
		case errors.Is(err, bufio.ErrBufferFull):
			p.refuse(line, "line is too long")
			err = skipLine(br)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read list: %w", err)
		}
	}
	return nil
}

func (p *parser) use(line []byte, emit func(filter.Entry)) {
	if line = trimEnd(line); len(line) == 0 {
		return
	}
	if len(line) > maxLine {
		p.refuse(line, "line is too long")
		return
	}
	if reason := p.line(line, emit); reason != "" {
		p.refuse(trim(line), reason)
	}
}

func (p *parser) refuse(line []byte, reason string) {
	if len(line) > maxShown {
		line = line[:maxShown]
	}
	p.complain(filter.Complaint{Line: p.number, Text: strings.ToValidUTF8(string(line), "\uFFFD"), Reason: reason})
}

func skipLine(br *bufio.Reader) error {
	for {
		_, err := br.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// plainLine reads a name, or a URL where there is a slash.
func plainLine(line []byte, emit func(filter.Entry)) string {
	if bytes.IndexByte(line, '/') >= 0 && bytes.IndexByte(uncomment(line), '/') >= 0 {
		return ut1Line(line, emit)
	}
	return domainsLine(line, emit)
}

// domainsLine reads a name, perhaps behind "*." or ".", perhaps with a comment behind it.
func domainsLine(line []byte, emit func(filter.Entry)) string {
	if isComment(line) {
		return ""
	}
	name, rest := nextField(uncomment(line))
	switch {
	case len(name) == 0:
		return ""
	case len(rest) > 0:
		return "more than one word; the domains format has one name a line"
	case bytes.IndexByte(name, '/') >= 0:
		return "a path; only the ut1 format has rules for URLs"
	}
	return emitName(name, emit)
}

// emitName gives the entry of a name that may stand behind the mark of a wildcard.
func emitName(name []byte, emit func(filter.Entry)) string {
	if name[0] == '*' || name[0] == '.' {
		name = unstar(name)
	}
	if bytes.IndexByte(name, '*') >= 0 {
		return "a wildcard inside a name; it may only stand before the first dot"
	}
	if len(name) == 0 {
		return "a wildcard for every name"
	}
	emit(filter.Entry{Host: name})
	return ""
}

// hostsLine reads an address and the names it is for. Only an address that leads nowhere means that the names are
// unwanted; another would be a redirection, which this product doesn't do.
func hostsLine(line []byte, emit func(filter.Entry)) string {
	if isComment(line) {
		return ""
	}
	address, names := nextField(uncomment(line))
	if len(address) == 0 {
		return ""
	}
	sink := isSink(address)
	if !sink && !isAddress(address) {
		return "no address before the name"
	}
	reason := ""
	if len(names) == 0 {
		reason = "no name after the address"
	}
	for len(names) > 0 {
		var name []byte
		name, names = nextField(names)
		switch {
		case isMachineName(name):
		case sink:
			reason = cmp.Or(reason, emitName(name, emit))
		default:
			reason = reasonLeads
		}
	}
	return reason
}

func isSink(address []byte) bool {
	switch string(address) {
	case "0.0.0.0", "127.0.0.1", "::", "::1", "0", "127.0.0.0", "127.0.1.1", "0:0:0:0:0:0:0:0", "0:0:0:0:0:0:0:1":
		return true
	}
	return false
}

// isMachineName reports whether a name stands in hosts files for the machine's own sake.
func isMachineName(name []byte) bool {
	switch string(name) {
	case "localhost", "localhost.localdomain", "localhost4", "localhost6", "local", "broadcasthost", "0.0.0.0",
		"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters",
		"ip6-allhosts", "localhost4.localdomain4", "localhost6.localdomain6":
		return true
	}
	return false
}

// ut1Line reads a name, or a name and the beginning of a path. Such a rule never becomes a rule for the whole host: that
// would block google.com for one page of it.
func ut1Line(line []byte, emit func(filter.Entry)) string {
	if isComment(line) {
		return ""
	}
	url, rest := nextField(line)
	if len(rest) > 0 && rest[0] != '#' {
		return "more than one word; the ut1 format has one name or URL a line"
	}
	scheme, after, ok := bytes.Cut(url, []byte("://"))
	pattern := ok && string(scheme) == "*" // as uBlacklist has it: *://*.host/*
	if ok {
		url = after
	}
	slash := bytes.IndexByte(url, '/')
	if slash < 0 {
		if len(url) == 0 {
			return "a scheme without a host"
		}
		return emitName(url, emit)
	}
	url = bytes.TrimRight(url, "?#") // an empty query or fragment says nothing
	host, path := unstar(url[:slash]), url[slash:]
	switch {
	case bytes.ContainsAny(path, "?#"):
		return reasonQuery
	case len(host) == 0:
		return "a path without a host"
	case bytes.IndexByte(host, '*') >= 0:
		return "a wildcard inside a name; it may only stand before the first dot"
	case pattern && string(path) == "/*":
		emit(filter.Entry{Host: host})
	case pattern && bytes.IndexByte(path, '*') >= 0:
		return "a wildcard inside a path"
	default:
		emit(filter.Entry{Host: host, Path: escapePath(path)})
	}
	return ""
}

// escapePath returns the path as a client sends it: what may not stand in a URL is percent-encoded, what is encoded
// stays.
func escapePath(path []byte) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(path))
	for _, c := range path {
		if c > ' ' && c < 0x7f && strings.IndexByte("\"<>\\^`{|}", c) < 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
	}
	return b.String()
}

// unstar takes the mark of a wildcard away: every entry covers the names below it already.
func unstar(name []byte) []byte {
	if bytes.HasPrefix(name, []byte("*.")) {
		return name[2:]
	}
	return bytes.TrimPrefix(name, []byte("."))
}

// isComment reports whether the first word of a line opens a comment in the formats that have no better use for these signs.
func isComment(line []byte) bool {
	for _, c := range line {
		if !isBlank(c) {
			return c == '#' || c == '!'
		}
	}
	return true
}

func uncomment(line []byte) []byte {
	if i := bytes.IndexByte(line, '#'); i >= 0 {
		return line[:i]
	}
	return line
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'
}

// trim is bytes.TrimSpace for the blanks of ASCII: a fast path, as most lines begin and end in a letter.
func trim(line []byte) []byte {
	line = trimEnd(line)
	for len(line) > 0 && isBlank(line[0]) {
		line = line[1:]
	}
	return line
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && isBlank(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	return line
}

// nextField splits the first word off.
func nextField(line []byte) (field, rest []byte) {
	line = trim(line)
	for i, c := range line {
		if isBlank(c) {
			return line[:i], trim(line[i:])
		}
	}
	return line, nil
}
