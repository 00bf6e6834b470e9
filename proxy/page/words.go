package page

import "github.com/keersluis/keersluis/filter"

// saying is what a page says about a problem. "{organisation}" and "{desk}" are who says so and whom to ask.
type saying struct {
	title  string
	lead   string
	advice []string
}

// words is one language.
type words struct {
	sayings    [problemCount]saying
	details    [detailCount]string
	categories map[filter.Category]string
	kinds      map[string]string
	malware    string // advice before all other advice when the category is malware (rule B29)

	organisation                     string // for one without a name, as inside a sentence
	byPolicy, notPolicy, ourFault    string // above the title
	site, category, kind, rule, code string // terms of the facts
	article, reason                  string
	serviceDesk, theDesk             string // for one without a name: as a heading, and inside a sentence
	deskArticle                      string // before the name of a desk
	whatToDo, desk                   string // headings
	phone, mail, web, report         string
	privacy, reference               string // in the footer; reference only where the page shows one
}

// CategoryName returns what people call c in lang, and c itself where we have no word for it.
func CategoryName(lang Lang, c filter.Category) string {
	return translated(wordsOf(lang).categories, c)
}

// wordsOf returns the words of lang.
func wordsOf(lang Lang) *words {
	if lang == English {
		return &english
	}
	return &dutch
}
