// A client based on xmlrpc-c's C++ classes: checks every capability against the server at the given URL.

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <xmlrpc-c/base.hpp>
#include <xmlrpc-c/client.hpp>
#include <xmlrpc-c/girerr.hpp>

using namespace xmlrpc_c;

static const std::string within_bmp = "é中";
static std::string url;
static client_xml *client_of_url;

// A fault as a caller sees it.
struct Fault : std::runtime_error {
    int code;
    Fault(fault const &fault) : std::runtime_error(fault.getDescription()), code(fault.getCode()) {}
};

static value call(std::string const &method, paramList const &params, std::string const &at = url) {
    carriageParm_curl0 carriage(at);
    rpcOutcome outcome;
    client_of_url->call(&carriage, method, params, &outcome);
    if (!outcome.succeeded())
        throw Fault(outcome.getFault());
    return outcome.getResult();
}

static value echoed(value const &x) {
    return call("echo", paramList().add(x));
}

static bool same(value const &a, value const &b);

static bool same_arrays(carray const &a, carray const &b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same);
}

static bool same_structs(cstruct const &a, cstruct const &b) {
    auto same_members = [](cstruct::value_type const &x, cstruct::value_type const &y) {
        return x.first == y.first && same(x.second, y.second);
    };
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same_members);
}

static bool same(value const &a, value const &b) {
    if (a.type() != b.type())
        return false;
    switch (a.type()) {
    case value::TYPE_INT: return value_int(a).cvalue() == value_int(b).cvalue();
    case value::TYPE_BOOLEAN: return value_boolean(a).cvalue() == value_boolean(b).cvalue();
    case value::TYPE_DOUBLE: return value_double(a).cvalue() == value_double(b).cvalue();
    case value::TYPE_DATETIME: return value_datetime(a).iso8601Value() == value_datetime(b).iso8601Value();
    case value::TYPE_STRING: return value_string(a).cvalue() == value_string(b).cvalue();
    case value::TYPE_BYTESTRING: return value_bytestring(a).cvalue() == value_bytestring(b).cvalue();
    case value::TYPE_ARRAY: return same_arrays(value_array(a).cvalue(), value_array(b).cvalue());
    case value::TYPE_STRUCT: return same_structs(value_struct(a).cvalue(), value_struct(b).cvalue());
    case value::TYPE_NIL: return true;
    case value::TYPE_I8: return value_i8(a).cvalue() == value_i8(b).cvalue();
    default: return false;
    }
}

// The failure of a check.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

static void want(bool holds, std::string const &what) {
    if (!holds)
        throw Failure(what);
}

static void want_same(value const &got, value const &wanted) {
    std::ostringstream types;
    types << "got another value than wanted, of the types " << got.type() << " and " << wanted.type();
    want(same(got, wanted), types.str());
}

static void want_echo(value const &x) {
    want_same(echoed(x), x);
}

static void want_fault(std::string const &method, paramList const &params, int code, std::string const &text) {
    try {
        call(method, params);
    } catch (Fault const &fault) {
        want(fault.code == code && (text.empty() || fault.what() == text),
             "got fault " + std::to_string(fault.code) + ": " + fault.what());
        return;
    }
    throw Failure("no fault");
}

// Runs a check and prints its outcome. With `defect` it is known to fail, in the way that `as_known` checks.
static void check(std::string const &capability, std::function<void()> const &works,
                  std::string const &defect = "", std::function<void()> const &as_known = nullptr) {
    try {
        works();
        std::cout << "ok " << capability << std::endl;
        return;
    } catch (std::exception const &failure) {
        if (!as_known) {
            std::cout << "fail " << capability << ": " << failure.what() << std::endl;
            return;
        }
    }
    try {
        as_known();
        std::cout << "defect " << capability << ": " << defect << std::endl;
    } catch (std::exception const &failure) {
        std::cout << "fail " << capability << ": " << failure.what() << std::endl;
    }
}

static void scalars() {
    check("int", [] {
        want_same(call("add", paramList().add(value_int(3)).add(value_int(5))), value_int(8));
        for (int x : {0, 1, XMLRPC_INT32_MAX})
            want_echo(value_int(x));
    });
    check("negative", [] {
        for (int x : {-1, XMLRPC_INT32_MIN})
            want_echo(value_int(x));
    });
    check("boolean", [] {
        want_echo(value_boolean(true));
        want_echo(value_boolean(false));
    });
    check("date", [] { want_echo(value_datetime("19980717T14:08:55")); });
    check("base64", [] {
        cbytestring bytes;
        want_echo(value_bytestring(bytes));
        for (int byte = 0; byte < 256; byte++)
            bytes.push_back(byte);
        want_echo(value_bytestring(bytes));
    });
    check("nil", [] { want_echo(value_nil()); });
    check("i8", [] {
        want_echo(value_i8(1LL << 40));
        want_echo(value_i8(XMLRPC_INT64_MIN));
    });
    check("double", [] {
        for (double x : {0.5, 123456789.123456789, -1.5e-10, 1e300})
            want_echo(value_double(x));
    }, "16 digits of 17 are written, and decoded numbers are off by a few units in the last place: 1e300 is decoded as "
       "1.0000000000000002e+300", [] {
        for (double x : {0.0, 0.5, -0.1, 3.141592653589793})
            want_echo(value_double(x));
        for (double x : {123456789.123456789, -1.5e-10, 1e300})
            want(std::fabs(value_double(echoed(value_double(x))).cvalue() / x - 1) < 1e-13, "more than the last digits differ");
    });
}

static void strings() {
    check("string", [] {
        want_echo(value_string("plain"));
        want_same(call("concat", paramList().add(value_string("ab")).add(value_string("cd"))), value_string("abcd"));
    });
    check("entities", [] { want_echo(value_string("<&>\"' ]]> &lt; &amp;amp;")); });
    check("empty string", [] { want_echo(value_string("")); });
    check("unicode", [] { want_echo(value_string(within_bmp + "😀")); },
        "characters beyond the BMP are not supported: creating the string 😀 fails with `not in the Basic Multilingual Plane`", [] {
        want_echo(value_string(within_bmp));
        try {
            value_string beyond("😀");
        } catch (girerr::error const &error) {
            want(std::string(error.what()).find("not in the Basic Multilingual Plane") != std::string::npos, error.what());
            return;
        }
        throw Failure("a character beyond the BMP is not refused");
    });
    // With this setting the library treats only a newline as a line break.
    std::string spaces = " \t a \n\n b \r\n c \r ";
    auto echoed_spaces = [&] { return value_string(echoed(value_string(spaces, value_string::nlCode_lf))).cvalue(); };
    check("whitespace", [&] { want(echoed_spaces() == spaces, echoed_spaces()); },
        "a carriage return is written as `&#x0d;`, but decoded as a newline: only text without one is kept",
        [&] { want(echoed_spaces() == " \t a \n\n b \n c \n ", echoed_spaces()); });
}

static void containers() {
    check("array", [] {
        carray inner{value_string("two"), value_boolean(true)};
        carray innermost{value_int(-6)};
        want_echo(value_array(carray{value_int(1), value_array(inner), value_double(0.5), value_array(innermost)}));
    });
    check("empty array", [] {
        want_echo(value_array(carray()));
        want_echo(value_array(carray{value_array(carray()), value_array(carray())}));
    });
    check("struct", [] {
        cstruct inner{{"x", value_string("y")}, {"", value_array(carray{value_int(2)})}};
        want_echo(value_struct(cstruct{{"a<&>", value_int(1)}, {within_bmp, value_struct(inner)}}));
    });
    check("empty struct", [] { want_echo(value_struct(cstruct())); });
}

static void faults() {
    check("fault", [] {
        paramList params = paramList().add(value_int(4711)).add(value_string(within_bmp + " <&>"));
        want_fault("fail", params, 4711, within_bmp + " <&>");
    });
    check("unknown method", [] { want_fault("nowhere", paramList(), -32601, ""); });
    check("wrong params", [] {
        want_fault("add", paramList().add(value_int(1)), -32602, "");
        want_fault("add", paramList().add(value_string("x")).add(value_int(1)), -32602, "");
    });
}

static value entry(std::string const &method, carray const &params) {
    return value_struct(cstruct{{"methodName", value_string(method)}, {"params", value_array(params)}});
}

static void introspection() {
    check("listMethods", [] {
        bool found = false;
        for (value const &name : value_array(call("system.listMethods", paramList())).cvalue())
            found = found || value_string(name).cvalue() == "add";
        want(found, "add is not among the methods");
    });
    paramList add = paramList().add(value_string("add"));
    check("methodHelp", [&] { want_same(call("system.methodHelp", add), value_string("Adds two integers.")); });
    check("methodSignature", [&] {
        carray signature(3, value_string("int"));
        want_same(call("system.methodSignature", add), value_array(carray{value_array(signature)}));
    });
    check("multicall", [] {
        carray calls{entry("add", {value_int(3), value_int(5)}),
                     entry("fail", {value_int(4711), value_string(within_bmp)}),
                     entry("concat", {value_string("ab"), value_string("cd")})};
        cstruct fault{{"faultCode", value_int(4711)}, {"faultString", value_string(within_bmp)}};
        carray wanted{value_array(carray{value_int(8)}), value_struct(fault), value_array(carray{value_string("abcd")})};
        want_same(call("system.multicall", paramList().add(value_array(calls))), value_array(wanted));
    });
}

static void many() {
    check("large document", [] {
        std::string characters;
        while (characters.size() < 1 << 20)
            characters += "large & <long>\n";
        want_echo(value_string(characters));
        carray numbers;
        for (int i = 0; i < 10000; i++)
            numbers.push_back(value_int(i));
        want_echo(value_array(numbers));
    });
    check("1,000 calls", [] {
        value connection = call("interop.connection", paramList());
        for (int i = 0; i < 1000; i++)
            want_same(call("add", paramList().add(value_int(i)).add(value_int(1))), value_int(i + 1));
        want_same(call("interop.connection", paramList()), connection);
    });
}

static void want_error(std::string const &at) {
    try {
        call("add", paramList().add(value_int(3)).add(value_int(5)), at);
    } catch (girerr::error const &) {
        return;
    }
    throw Failure("no error from " + at);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    url = argv[1];
    // The default of 512 KiB is too small for the large document.
    xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, 16 << 20);
    clientXmlTransport_curl transport;
    client_xml client(&transport);
    client_of_url = &client;
    scalars();
    strings();
    containers();
    faults();
    introspection();
    many();
    check("error", [] {
        want_error(url + "/nowhere");
        want_error("http://127.0.0.1:1/RPC2");
    });
    std::cout << "end" << std::endl;
}
