package page

import "github.com/keersluis/keersluis/filter"

// saying is what a page says about a problem. %s is the organisation.
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
	serviceDesk                      string // for one without a name
	whatToDo, desk                   string // headings
	phone, mail, web, report         string
	privacy, reference               string // in the footer; reference only where the page shows one
}

// wordsOf returns the words of lang.
func wordsOf(lang Lang) *words {
	if lang == English {
		return &english
	}
	return &dutch
}
