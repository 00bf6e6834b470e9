package policy

import (
	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/logging"
)

// profile is policy.yaml, key by key. default.yaml explains the keys to who writes one.
type profile struct {
	// Organisation is whom the block page speaks for.
	Organisation Organisation `yaml:"organisation"`
	// Regulation is the document that the articles belong to.
	Regulation Regulation `yaml:"regulation"`
	// Roles are those besides the ones that always exist.
	Roles []name[filter.Role] `yaml:"roles"`
	// Categories say what happens to the sites of each.
	Categories map[name[filter.Category]]category `yaml:"categories"`
	// Downloads say which kinds of content are of a category.
	Downloads downloads `yaml:"downloads"`
	// Exceptions are hosts that are open although a list closes them (rule B13).
	Exceptions []exception `yaml:"exceptions"`
	// Logging is how the traffic log is kept.
	Logging logs `yaml:"logging"`
}

// Organisation is who filters, and whom its people can turn to.
type Organisation struct {
	// Name as employees know it.
	Name string `yaml:"name"`
	// ServiceDesk is whom the block page names (rules B13, B15, B29).
	ServiceDesk ServiceDesk `yaml:"service_desk"`
}

// ServiceDesk is where a person gets help; what is empty isn't shown.
type ServiceDesk struct {
	Name  string `yaml:"name"`
	Phone string `yaml:"phone"`
	Mail  string `yaml:"mail"` // an address: name@host
	URL   string `yaml:"url"`  // http or https
}

// Regulation is the document on internet use that the works council consented to.
type Regulation struct {
	// Name as the block page quotes it.
	Name string `yaml:"name"`
	// URL is where an employee can read it, "" when nowhere.
	URL string `yaml:"url"`
}

// category is what happens to one category of sites; see [filter.CategoryRule] for how the parts work together.
type category struct {
	// Action is for everybody; required.
	Action action `yaml:"action"`
	// Article of the regulation, for the block page (rule B25).
	Article string `yaml:"article"`
	// Roles get another action (rules B12, B14).
	Roles map[filter.Role]action `yaml:"roles"`
	// Devices get another action; that of a role the client holds goes before it (rules A7, A8).
	Devices map[filter.Device]action `yaml:"devices"`
	// Final is opened only by an exception that names the category.
	Final bool `yaml:"final"`
	// Inspect is false where encrypted traffic is passed on unread (rule B33). Default true.
	Inspect *bool `yaml:"inspect"`
}

// downloads says what content is software.
type downloads struct {
	// Category that a download of one of the kinds belongs to.
	Category filter.Category `yaml:"category"`
	// Kinds of content; others are free.
	Kinds []content.Kind `yaml:"kinds"`
}

// exception opens a host.
type exception struct {
	// Host is a name, with all names below it, or an address; required.
	Host host `yaml:"host"`
	// Roles that it is for; none means everybody.
	Roles []filter.Role `yaml:"roles"`
	// Categories that it opens; none means every one that isn't final.
	Categories []filter.Category `yaml:"categories"`
	// Until is the last day on which it holds, in the Netherlands; none means no end.
	Until date `yaml:"until"`
	// Reason is for who reads the file later.
	Reason string `yaml:"reason"`
	// Ticket is where it was asked for.
	Ticket string `yaml:"ticket"`
}

// logs is how the traffic log is kept.
type logs struct {
	// Mode is pseudonymous or off (rule D6).
	Mode mode `yaml:"mode"`
	// Retention is P1M to P6M (rules H1, H8).
	Retention months `yaml:"retention"`
	// MinimumGroup is the fewest persons that a number may be about; 5 or more.
	MinimumGroup int `yaml:"minimum_group"`
}

// Logging is how the traffic log is kept. It is comparable.
type Logging struct {
	Mode         logging.Mode
	Months       int // for which a record is kept: calendar months, 1 to 6
	MinimumGroup int // the fewest persons that a number may be about
}
