package content

import (
	"slices"
)

// maxValues bounds the values of one header field that are read; a response with more is as good as malformed, and
// what its surplus would say is not believed to be harmless.
const maxValues = 32

// claims is what a response says about itself, read once.
type claims struct {
	declared Kind        // what the first Content-Type that the tables know stands for; "" for none
	typed    Kind        // the strictest kind of software that a Content-Type stands for; "" for none
	named    Kind        // the strictest kind of software that a Content-Disposition names; "" for none
	path     []extension // what the last segment of the path may name
	query    []extension // what the values of the query may name

	attachment  bool // the browser is told to save it
	saved       bool // the disposition has a name: then no browser makes one of the query
	navigation  bool // the browser shows it, or saves it when it can't
	subresource bool // a page loads it, and no browser saves it
	fetched     bool // a script asked for it, or a link that saves
	markdown    bool // a text about scripts may begin as a script does
	quick       bool // the type promises text
	stream      bool // the body is made while it is read
	surplus     bool // a header with too many values
}

func claimsOf(e Evidence) claims {
	c := claims{surplus: max(len(e.Type), len(e.Disposition), len(e.Encoding)) > maxValues}
	switch e.Dest {
	case "document", "iframe", "frame", "embed", "object", "fencedframe":
		c.navigation = true
	case "empty":
		c.fetched = true
	case "":
	default:
		c.subresource = true
	}
	c.readDispositions(e.Disposition[:min(len(e.Disposition), maxValues)])
	c.readTypes(e.Type[:min(len(e.Type), maxValues)])
	pathNames(e.URLPath, func(name string) {
		c.path = note(c.path, name)
		ext, _ := cutExtension(baseName(name))
		c.markdown = c.markdown || ext == "md" || ext == "markdown" // RFC 7763
		c.quick = c.quick && ext != "tar"                           // the first entry's name is all the text there is
	})
	if !c.saved && e.Query != "" {
		queryNames(e.Query, func(name string) { c.query = note(c.query, name) })
	}
	return c
}

// note adds what a name of a URL says, unless web servers use such names for pages.
func note(list []extension, name string) []extension {
	e, ok := extensionOf(name)
	if !ok || e.use == server || slices.Contains(list, e) {
		return list
	}
	return append(list, e)
}

func (c *claims) readDispositions(values []string) {
	for _, v := range values {
		c.attachment = c.attachment || attached(v)
	}
	for _, v := range values {
		dispositionNames(v, func(name string) {
			c.saved = true
			ext, _ := cutExtension(baseName(name))
			c.markdown = c.markdown || ext == "md" || ext == "markdown"
			e, ok := extensionOf(name)
			if !ok || (e.use == server || e.use == asset) && (!c.attachment || c.subresource) {
				return
			}
			c.named = stricter(e.kind, c.named)
		})
	}
}

func (c *claims) readTypes(values []string) {
	c.quick = len(values) > 0 && (!c.attachment || c.fetched || c.subresource)
	for i, v := range values {
		t := mediaType(v)
		k := kindOfType(t)
		if k.Software() {
			c.typed = stricter(k, c.typed)
		}
		if c.declared == "" {
			c.declared = k
		}
		c.quick = c.quick && textual(t)
		c.stream = i == 0 && streams(t) && !c.attachment && !c.navigation
	}
}

// weigh returns the strictest of what the bytes are and what the response claims.
func (c *claims) weigh(bytes Kind) Result {
	r := Result{c.shown(bytes), ByBytes}
	switch {
	case c.declared == "" || c.declared.Software():
	case r.Kind == Unknown, r.Kind == Data && c.declared != Data, r.Kind == Text && c.declared != Data && c.declared != Text:
		r = Result{c.declared, ByType}
	}
	bytes = c.shown(bytes)
	if !bytes.positive() {
		r = r.or(c.typed, ByType)
	}
	r = r.or(c.named, ByName)
	for _, e := range c.path {
		if c.pathCounts(e, bytes) {
			r = r.or(e.kind, ByName)
		}
	}
	for _, e := range c.query {
		if !e.host && !bytes.positive() && c.pathCounts(e, bytes) {
			r = r.or(e.kind, ByName)
		}
	}
	if c.surplus {
		r = r.or(Undecodable, ByType)
	}
	return r
}

// or returns the stricter of r and of a result of kind k.
func (r Result) or(k Kind, by Ground) Result {
	if k != "" && k != r.Kind && stricter(k, r.Kind) == k {
		return Result{k, by}
	}
	return r
}

// shown returns the kind of the bytes in the place where they are shown: an interpreter line may stand above the script of a
// page, and above a text about scripts.
func (c *claims) shown(bytes Kind) Kind {
	switch {
	case bytes != Script:
	case c.markdown && c.named == "" && (c.declared == "" || c.declared == Text || c.declared == Data):
		return Text
	case c.declared == WebAsset && c.subresource && !c.attachment:
		return WebAsset
	}
	return bytes
}

// pathCounts reports whether the name of a URL is a file name: see the limits in the package comment.
func (c *claims) pathCounts(e extension, bytes Kind) bool {
	claimed := c.declared != "" && c.declared != Data && !c.declared.Software()
	switch {
	case e.use == asset:
		return c.attachment && !c.subresource || c.navigation && !claimed
	case e.use == rigid:
		page := c.declared == WebPage || c.declared == WebAsset || e.host && claimed
		return !bytes.positive() && !(page && bytes.textual())
	case e.host && bytes.positive():
		return false
	}
	shown := c.declared == WebPage || c.declared == WebAsset
	return c.attachment || !shown || bytes != c.declared && bytes != WebPage && bytes != Unknown
}
