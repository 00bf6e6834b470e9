// Package audit is the only reader of the traffic log. It gives out what the regulations let somebody see, and less when
// that would point at a person.
//
// So far that is level 0: [Totals] over a period, of groups large enough to hide in. It does not search, filter or sort
// by person, and has no way to: asking the same question of two slightly different groups is how figures are turned back
// into people.
package audit
