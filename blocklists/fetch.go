package blocklists

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	daily        = 24 * time.Hour
	jitter       = daily / 10 // so that not every installation asks a feed at the same moment
	fetchTimeout = 10 * time.Minute
	maxFetch     = 256 << 20 // bytes of a fetched list, decompressed
	maxFetches   = 2         // at the same time
	userAgent    = "keersluis"
)

func newRetry() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.MaxInterval = time.Second, 2, time.Hour
	return b
}

// fetched is what came of asking a URL: err, or unchanged, or a record whose parts are staged and not yet committed.
type fetched struct {
	source    *source
	record    record
	unchanged bool
	err       error
}

// fetch asks the URL of s for the list, unless it is still the one that have describes (nil: there is none). It touches
// nothing but staged files, so it may run beside Run.
func (k *Keeper) fetch(ctx context.Context, s Source, have *record) (got fetched) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	resp, err := k.ask(ctx, s, have)
	if err != nil {
		got.err = fmt.Errorf("fetch %s: %w", s.shown(), cause(err))
		return got
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && have != nil:
		got.unchanged = true
	case resp.StatusCode != http.StatusOK:
		got.err = fmt.Errorf("fetch %s: the server answered %s", s.shown(), resp.Status)
	case leftTLS(resp):
		got.err = fmt.Errorf("fetch %s: the server sent us on to plain http, where anybody could change the list", s.shown())
	default:
		got.record, got.err = k.download(ctx, s, resp)
	}
	return got
}

func (k *Keeper) ask(ctx context.Context, s Source, have *record) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	if have != nil && have.ETag != "" {
		req.Header.Set("If-None-Match", have.ETag)
	}
	if have != nil && have.Modified != "" {
		req.Header.Set("If-Modified-Since", have.Modified)
	}
	return k.client.Do(req)
}

// download stages and judges the body of resp. Its own length, when told, must be right: half a list is no list.
func (k *Keeper) download(ctx context.Context, s Source, resp *http.Response) (record, error) {
	text, err := decode(resp.Body)
	if err != nil {
		return record{}, fmt.Errorf("fetch %s: %w", s.shown(), cause(err))
	}
	staged, err := k.shelf.stage("", &bounded{r: text, left: maxFetch})
	if err != nil {
		return record{}, fmt.Errorf("fetch %s: %w", s.shown(), cause(err))
	}
	r := record{Parts: []part{staged}, ETag: header(resp, "ETag"), Modified: header(resp, "Last-Modified")}
	if r.Entries, err = k.judge(ctx, s, r.Parts); err != nil {
		k.shelf.discard(r.Parts)
		return record{}, fmt.Errorf("what %s sent %w", s.shown(), err)
	}
	return r, nil
}

// leftTLS reports whether a way that began with https did not stay there.
func leftTLS(resp *http.Response) bool {
	first, plain := "", false
	for r := resp; r != nil && r.Request != nil; r = r.Request.Response {
		first = r.Request.URL.Scheme
		plain = plain || first != "https"
	}
	return first == "https" && plain
}

// header returns a header that is kept and sent back, if it is of a reasonable length.
func header(resp *http.Response, name string) string {
	if v := resp.Header.Get(name); len(v) <= 1024 {
		return v
	}
	return ""
}

// startFetches starts asking the URLs that are due, and returns when to look again.
func (k *Keeper) startFetches(r *run) time.Duration {
	next := daily
	for _, s := range k.sources {
		if s.URL == "" || s.fetching {
			continue
		}
		if wait := s.due.Sub(k.now()); wait > 0 {
			next = min(next, wait)
			continue
		}
		s.fetching = true
		src, have := s.Source, s.kept
		r.wait.Go(func() {
			got := fetched{err: r.ctx.Err()}
			select {
			case r.slots <- struct{}{}:
				got = k.fetch(r.ctx, src, have)
				<-r.slots
			case <-r.ctx.Done():
			}
			got.source = s
			select {
			case r.fetched <- got:
			case <-r.ctx.Done():
				k.shelf.discard(got.record.Parts)
			}
		})
	}
	return next
}

// settleFetch takes over what a fetch brought, and reports whether the copy in force is another than before.
func (k *Keeper) settleFetch(got fetched) bool {
	s := got.source
	s.fetching = false
	before := s.kept
	err := got.err
	switch {
	case err != nil:
	case got.unchanged:
		err = k.confirm(s)
	case s.kept != nil && s.kept.Parts[0].Digest == got.record.Parts[0].Digest:
		k.shelf.discard(got.record.Parts)
		err = k.confirm(s)
	default:
		err = k.accept(s, got.record)
	}
	if s.err = err; err != nil {
		s.due = k.now().Add(s.retry.NextBackOff())
		return s.kept != before
	}
	s.retry.Reset()
	s.due = nextFetch(s.checked)
	return s.kept != before
}

// nextFetch returns when a list that was confirmed then is to be asked for again: a day later, more or less.
func nextFetch(then time.Time) time.Time { return then.Add(daily - jitter + rand.N(2*jitter)) }

// confirm notes that the source still holds what the copy does.
func (k *Keeper) confirm(s *source) error {
	if s.kept == nil {
		return errors.New("nothing to confirm")
	}
	s.kept.Checked = k.now().UTC().Truncate(time.Second)
	s.checked = s.kept.Checked
	return k.shelf.write(s.id, *s.kept)
}
