package yamlfile

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// text returns a scalar as it is written. A bare number is text too, so that telephone and ticket numbers need no quotes.
func text(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// decodeText gives the text of n to a type that judges it. The default stays when it refuses.
func (d *Document) decodeText(n ast.Node, path string, v reflect.Value) {
	s, ok := text(n)
	if b, isBool := n.(*ast.BoolNode); isBool {
		s, ok = b.GetToken().Value, true
	}
	if !ok {
		d.wants(n, path, v.Type())
		return
	}
	fresh := reflect.New(v.Type())
	if err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
		d.add(d.at(path), path, err.Error())
		return
	}
	v.Set(fresh.Elem())
}

func (d *Document) decodeDuration(n ast.Node, path string, v reflect.Value) {
	s, ok := text(n)
	if !ok {
		d.wants(n, path, v.Type())
		return
	}
	t, err := time.ParseDuration(s)
	if err != nil {
		d.add(d.at(path), path, fmt.Sprintf("wants %s, not %s", describe(v.Type()), quote(s)))
		return
	}
	v.SetInt(int64(t))
}

func (d *Document) decodeScalar(n ast.Node, path string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		if s, ok := text(n); ok {
			v.SetString(s)
			return
		}
	case v.Kind() == reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
			return
		}
	case v.CanInt() || v.CanUint():
		if i, ok := n.(*ast.IntegerNode); ok {
			d.decodeInteger(i, path, v)
			return
		}
	}
	d.wants(n, path, v.Type())
}

func (d *Document) decodeInteger(n *ast.IntegerNode, path string, v reflect.Value) {
	i, u := int64(0), uint64(0)
	fitsInt, fitsUint := false, false
	switch x := n.Value.(type) {
	case int64:
		i, fitsInt = x, true
		u, fitsUint = uint64(x), x >= 0
	case uint64:
		u, fitsUint = x, true
		i, fitsInt = int64(x), x < 1<<63
	}
	switch {
	case v.CanInt() && fitsInt && !v.OverflowInt(i):
		v.SetInt(i)
	case v.CanUint() && fitsUint && !v.OverflowUint(u):
		v.SetUint(u)
	default:
		d.add(d.at(path), path, fmt.Sprintf("the number %s is out of range", quote(n.GetToken().Value)))
	}
}

// describe says in an administrator's words what a type wants.
func describe(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return describe(t.Elem())
	case reflect.PointerTo(t).Implements(unmarshaler):
		return "text"
	case t == duration:
		return "a duration such as 30s or 5m"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "a list of " + plural(t.Elem())
	case reflect.Struct:
		_, names := fieldsOf(t)
		return "a mapping with " + strings.Join(names, ", ")
	case reflect.Map:
		return "a mapping"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	}
	return "a whole number"
}

func plural(t reflect.Type) string {
	switch s := describe(t); {
	case s == "text":
		return "texts"
	case strings.HasPrefix(s, "a mapping"):
		return "mappings" + strings.TrimPrefix(s, "a mapping")
	default:
		return strings.TrimPrefix(s, "a ") + "s"
	}
}

// found says what a node is.
func found(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return n.GetToken().Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + quote(n.GetToken().Value)
	}
	return "text"
}
