// A client based on kolo/xmlrpc: checks every capability against the server at the given URL.
package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/rpc"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/kolo/xmlrpc"
)

const unicode = "é中😀"

var url = os.Args[1]
var client = connect(url, nil)

func connect(url string, transport http.RoundTripper) *xmlrpc.Client {
	client, err := xmlrpc.NewClient(url, transport)
	if err != nil {
		panic(err)
	}
	return client
}

// A list of parameters, or the elements of an array.
type list = []interface{}
type object = map[string]interface{}

func main() {
	scalars()
	texts()
	containers()
	faults()
	introspection()
	many()
	check("gzip", gzip)
	check("error", errors)
	fmt.Println("end")
}

func scalars() {
	check("int", func() error {
		return first(gives("add", list{3, 5}, int64(8)), echoes(int64(0)), echoes(int64(1<<31-1)))
	})
	check("negative", func() error { return first(echoes(int64(-1)), echoes(int64(-1<<31))) })
	check("boolean", func() error { return first(echoes(true), echoes(false)) })
	check("double", func() error {
		return first(echoes(0.5), echoes(123456789.123456789), echoes(-1.5e-10), echoes(1e300), echoes(5e-324))
	})
	check("date", func() error { return echoes(time.Date(1998, 7, 17, 14, 8, 55, 0, time.UTC)) })
	check("i8", func() error {
		// The library writes it as a 64-bit <int>.
		return first(echoes(int64(1<<40)), echoes(int64(-1<<63)))
	})
}

func texts() {
	check("string", func() error { return first(echoes("plain"), gives("concat", list{"ab", "cd"}, "abcd")) })
	check("entities", func() error { return echoes("<&>\"' ]]> &lt; &amp;amp;") })
	check("unicode", func() error { return echoes(unicode) })
	check("whitespace", func() error { return echoes(" \t a \n\n b \r\n c \r ") })
	checkKnown("empty string", func() error { return echoes("") },
		"an empty string is decoded as nil if the caller expects an interface{}, and correctly if it expects a string",
		func() error {
			var text string
			return first(gives("echo", list{""}, nil), call("echo", list{""}, &text), same(text, ""))
		})
	check("base64", func() error {
		bytes := make([]byte, 256)
		for i := range bytes {
			bytes[i] = byte(i)
		}
		for _, bytes := range [][]byte{bytes, {}} {
			// The library leaves encoding and decoding to its caller.
			var got string
			err := call("echo", list{xmlrpc.Base64(base64.StdEncoding.EncodeToString(bytes))}, &got)
			decoded, wrong := base64.StdEncoding.DecodeString(got)
			if err := first(err, wrong, same(decoded, bytes)); err != nil {
				return err
			}
		}
		return nil
	})
}

func containers() {
	check("array", func() error {
		return echoes(list{int64(1), list{"two", true}, list{0.5, list{int64(-6)}}})
	})
	check("empty array", func() error { return first(echoes(list{}), echoes(list{list{}, list{}})) })
	plain := object{"a": int64(1), unicode: object{"x": "y", "b": list{int64(2)}}}
	escaped := object{"a<&>": int64(1)}
	checkKnown("struct", func() error { return first(echoes(plain), echoes(escaped)) },
		"names of members are not escaped: a name with `<` or `&` makes the document malformed",
		func() error { return first(echoes(plain), fails("echo", list{escaped}, "Fault(-32700): ")) })
	check("empty struct", func() error {
		got := object{"a": 1}
		if err := call("echo", list{object{}}, &got); err != nil || len(got) != 0 {
			return fmt.Errorf("got %v, %v", got, err)
		}
		return nil
	})
}

func faults() {
	check("fault", func() error { return fails("fail", list{4711, unicode + " <&>"}, "Fault(4711): "+unicode+" <&>") })
	check("unknown method", func() error { return fails("nowhere", list{}, "Fault(-32601): ") })
	check("wrong params", func() error {
		return first(fails("add", list{1}, "Fault(-32602): "), fails("add", list{"x", 1}, "Fault(-32602): "))
	})
}

func introspection() {
	check("listMethods", func() error {
		var names []string
		if err := call("system.listMethods", nil, &names); err != nil {
			return err
		}
		if !strings.Contains(strings.Join(names, "\n")+"\n", "add\n") {
			return fmt.Errorf("add is not among %v", names)
		}
		return nil
	})
	check("methodHelp", func() error { return gives("system.methodHelp", list{"add"}, "Adds two integers.") })
	check("methodSignature", func() error {
		return gives("system.methodSignature", list{"add"}, list{list{"int", "int", "int"}})
	})
	check("multicall", func() error {
		calls := list{
			object{"methodName": "add", "params": list{3, 5}},
			object{"methodName": "fail", "params": list{4711, unicode}},
			object{"methodName": "concat", "params": list{"ab", "cd"}},
		}
		fault := object{"faultCode": int64(4711), "faultString": unicode}
		return gives("system.multicall", list{calls}, list{list{int64(8)}, fault, list{"abcd"}})
	})
}

func many() {
	check("large document", func() error {
		numbers := make(list, 10000)
		for i := range numbers {
			numbers[i] = int64(i)
		}
		return first(echoes(strings.Repeat("large & <long>\n", 70000)), echoes(numbers))
	})
	check("1,000 calls", func() error {
		var before, after string
		if err := call("interop.connection", nil, &before); err != nil {
			return err
		}
		for i := 0; i < 1000; i++ {
			if err := gives("add", list{i, 1}, int64(i+1)); err != nil {
				return err
			}
		}
		return first(call("interop.connection", nil, &after), same(after, before))
	})
}

// Records whether the last reply was compressed.
type inflating struct {
	inflated bool
}

func (transport *inflating) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	transport.inflated = err == nil && response.Uncompressed
	return response, err
}

// Go's HTTP client, on which the library is based, requests compressed replies and decompresses them.
func gzip() error {
	transport := &inflating{}
	text := strings.Repeat("long text ", 10000)
	var got string
	if err := connect(url, transport).Call("echo", list{text}, &got); err != nil {
		return err
	}
	return first(same(got, text), same(transport.inflated, true))
}

func errors() error {
	for _, at := range []string{url + "/nowhere", "http://127.0.0.1:1/RPC2"} {
		var sum int
		err := connect(at, nil).Call("add", list{3, 5}, &sum)
		if err == nil || strings.HasPrefix(err.Error(), "Fault") {
			return fmt.Errorf("got %v, %v from %s", sum, err, at)
		}
	}
	return nil
}

func check(capability string, works func() error) {
	if err := works(); err != nil {
		fmt.Printf("fail %s: %v\n", capability, err)
	} else {
		fmt.Printf("ok %s\n", capability)
	}
}

// Reports a check that fails because of a known defect: any other failure is unexpected.
func checkKnown(capability string, works func() error, defect string, asKnown func() error) {
	if works() != nil && asKnown() == nil {
		fmt.Printf("defect %s: %s\n", capability, defect)
	} else {
		check(capability, works)
	}
}

// Faults become errors of net/rpc, which have only a text. It contains the code.
func call(method string, params list, result interface{}) error {
	var args interface{}
	if params != nil {
		args = params
	}
	return client.Call(method, args, result)
}

func echoes(value interface{}) error { return gives("echo", list{value}, value) }

func gives(method string, params list, wanted interface{}) error {
	var got interface{}
	return first(call(method, params, &got), same(got, wanted))
}

func fails(method string, params list, start string) error {
	err := call(method, params, nil)
	if _, fault := err.(rpc.ServerError); !fault || !strings.HasPrefix(err.Error(), start) {
		return fmt.Errorf("got %v, wanted %s", err, start)
	}
	return nil
}

func same(got, wanted interface{}) error {
	if reflect.DeepEqual(got, wanted) {
		return nil
	}
	return fmt.Errorf("got %.200q, wanted %.200q", fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", wanted))
}

func first(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}
