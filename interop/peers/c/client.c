/* A client based on xmlrpc-c: checks every capability against the server at the given URL. */

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/client.h>

#define UNICODE "\xc3\xa9\xe4\xb8\xad"
#define BEYOND_BMP "\xf0\x9f\x98\x80"

static xmlrpc_client *client;
static const char *url;
/* The result of the last check, to be reported if it fails. */
static char seen[512];

static void report(const char *capability, bool passed) {
    if (passed)
        printf("ok %s\n", capability);
    else
        printf("fail %s: %s\n", capability, seen);
    fflush(stdout);
}

/* Reports a check that fails because of a known defect: any other failure is unexpected. */
static void report_known(const char *capability, bool passed, bool as_known, const char *defect) {
    if (!passed && as_known)
        printf("defect %s: %s\n", capability, defect);
    else
        report(capability, passed);
}

/* Building a value fails only without memory or because of a mistake in this program. */
static xmlrpc_value *must(xmlrpc_env *env, xmlrpc_value *value) {
    if (env->fault_occurred) {
        fprintf(stderr, "this client is wrong: %s\n", env->fault_string);
        exit(1);
    }
    xmlrpc_env_clean(env);
    return value;
}

static xmlrpc_value *value(const char *format, ...) {
    xmlrpc_env env;
    xmlrpc_value *built;
    const char *tail;
    va_list args;
    xmlrpc_env_init(&env);
    va_start(args, format);
    xmlrpc_build_value_va(&env, format, args, &built, &tail);
    va_end(args);
    return must(&env, built);
}

/* Returns a string whose line breaks are not changed. */
static xmlrpc_value *text(const char *characters, size_t length) {
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    return must(&env, xmlrpc_string_new_lp_cr(&env, length, characters));
}

/* Calls with the elements of an array as parameters; takes ownership of the array. */
static xmlrpc_value *call(xmlrpc_env *env, const char *at, const char *method, xmlrpc_value *params) {
    xmlrpc_env_init(env);
    xmlrpc_server_info *server = xmlrpc_server_info_new(env, at);
    xmlrpc_value *result = NULL;
    xmlrpc_client_call2(env, client, server, method, params, &result);
    xmlrpc_server_info_free(server);
    xmlrpc_DECREF(params);
    if (env->fault_occurred)
        snprintf(seen, sizeof seen, "fault %d: %s", env->fault_code, env->fault_string);
    return result;
}

static xmlrpc_mem_block *xml(xmlrpc_value *value) {
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    xmlrpc_mem_block *block = xmlrpc_mem_block_new(&env, 0);
    xmlrpc_serialize_value2(&env, block, value, xmlrpc_dialect_i8);
    xmlrpc_env_clean(&env);
    return block;
}

/* Returns true if two values have the same XML, and so type and content; takes ownership of both. */
static bool same(xmlrpc_value *got, xmlrpc_value *wanted) {
    xmlrpc_mem_block *a = xml(got), *b = xml(wanted);
    size_t length = xmlrpc_mem_block_size(a);
    bool equal = length == xmlrpc_mem_block_size(b) &&
                 memcmp(xmlrpc_mem_block_contents(a), xmlrpc_mem_block_contents(b), length) == 0;
    if (!equal)
        snprintf(seen, sizeof seen, "got %.*s, wanted %.*s",
                 (int)(length < 200 ? length : 200), (char *)xmlrpc_mem_block_contents(a),
                 (int)(xmlrpc_mem_block_size(b) < 200 ? xmlrpc_mem_block_size(b) : 200),
                 (char *)xmlrpc_mem_block_contents(b));
    xmlrpc_mem_block_free(a);
    xmlrpc_mem_block_free(b);
    xmlrpc_DECREF(got);
    xmlrpc_DECREF(wanted);
    return equal;
}

static bool gives(const char *method, xmlrpc_value *params, xmlrpc_value *wanted) {
    xmlrpc_env env;
    xmlrpc_value *got = call(&env, url, method, params);
    bool called = !env.fault_occurred;
    xmlrpc_env_clean(&env);
    if (!called)
        xmlrpc_DECREF(wanted);
    return called && same(got, wanted);
}

static bool echoes_as(xmlrpc_value *sent, xmlrpc_value *wanted) {
    xmlrpc_value *params = value("(V)", sent);
    xmlrpc_DECREF(sent);
    return gives("echo", params, wanted);
}

static bool echoes(xmlrpc_value *sent) {
    xmlrpc_INCREF(sent);
    return echoes_as(sent, sent);
}

/* Returns true if a call fails with this code and, unless it is NULL, this text. */
static bool fails(const char *at, const char *method, xmlrpc_value *params, int code, const char *string) {
    xmlrpc_env env;
    xmlrpc_value *result = call(&env, at, method, params);
    bool failed = env.fault_occurred && env.fault_code == code &&
                  (!string || strcmp(env.fault_string, string) == 0);
    if (!env.fault_occurred) {
        snprintf(seen, sizeof seen, "no fault");
        xmlrpc_DECREF(result);
    }
    xmlrpc_env_clean(&env);
    return failed;
}

static void scalars(void) {
    report("int", gives("add", value("(ii)", 3, 5), value("i", 8)) && echoes(value("i", XMLRPC_INT32_MAX)));
    report("negative", gives("add", value("(ii)", -3, -5), value("i", -8)) && echoes(value("i", XMLRPC_INT32_MIN)));
    report("boolean", echoes(value("b", 1)) && echoes(value("b", 0)));
    report("string", echoes(value("s", "plain")) && gives("concat", value("(ss)", "ab", "cd"), value("s", "abcd")));
    report("entities", echoes(value("s", "<&>\"' ]]> &lt; &amp;amp;")));
    report("empty string", echoes(value("s", "")));
    report("date", echoes(value("8", "19980717T14:08:55")));
    unsigned char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = i;
    report("base64", echoes(value("6", bytes, (size_t)256)) && echoes(value("6", bytes, (size_t)0)));
    report("nil", echoes(value("n")));
    report("i8", echoes(value("I", (xmlrpc_int64)1 << 40)) && echoes(value("I", XMLRPC_INT64_MIN)));
}

static void unicode(void) {
    bool within = echoes(value("s", UNICODE));
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    xmlrpc_value *beyond = xmlrpc_string_new(&env, BEYOND_BMP);
    bool refused = env.fault_occurred && strstr(env.fault_string, "not in the Basic Multilingual Plane");
    report_known("unicode", within && !refused && echoes(must(&env, beyond)), within && refused,
        "characters beyond the BMP are not supported: creating the string 😀 fails with `not in the Basic Multilingual Plane`");
    xmlrpc_env_clean(&env);
}

static void whitespace(void) {
    static const char sent[] = " \t a \n\n b \r\n c \r ", known[] = " \t a \n\n b \n c \n ";
    bool kept = echoes(text(sent, strlen(sent)));
    bool as_known = echoes_as(text(sent, strlen(sent)), text(known, strlen(known)));
    report_known("whitespace", kept, as_known,
        "a carriage return is written as `&#x0d;`, but decoded as a newline: only text without one is kept");
}

/* Returns the double that the server sends back, or 0 if the call fails. */
static double echoed(double sent) {
    xmlrpc_env env;
    double got = 0;
    xmlrpc_value *result = call(&env, url, "echo", value("(d)", sent));
    if (!env.fault_occurred) {
        xmlrpc_read_double(&env, result, &got);
        xmlrpc_DECREF(result);
    }
    xmlrpc_env_clean(&env);
    snprintf(seen, sizeof seen, "got %.17g, wanted %.17g", got, sent);
    return got;
}

static void doubles(void) {
    static const double plain[] = {0.0, 0.5, -0.1, 3.141592653589793}, long_ones[] = {123456789.123456789, -1.5e-10, 1e300};
    bool exact = true, close = true;
    for (int i = 0; i < 4; i++)
        exact = exact && echoed(plain[i]) == plain[i];
    close = exact;
    for (int i = 0; i < 3; i++) {
        double got = echoed(long_ones[i]);
        exact = exact && got == long_ones[i];
        close = close && fabs(got / long_ones[i] - 1) < 1e-13;
    }
    report_known("double", exact, close,
        "16 digits of 17 are written, and decoded numbers are off by a few units in the last place: 1e300 is decoded as "
        "1.0000000000000002e+300");
}

static void containers(void) {
    report("array", echoes(value("(i(sb)(d(i)))", 1, "two", 1, 0.5, -6)));
    report("empty array", echoes(value("()")) && echoes(value("(()())")));
    report("struct", echoes(value("{s:i,s:{s:s,s:(i)}}", "a<&>", 1, UNICODE, "x", "y", "", 2)));
    report("empty struct", echoes(value("{}")));
}

static void faults(void) {
    /* The library puts a text of its own before that of the server. */
    report("fault", fails(url, "fail", value("(is)", 4711, UNICODE " <&>"), 4711, "RPC failed at server.  " UNICODE " <&>"));
    report("unknown method", fails(url, "nowhere", value("()"), -32601, NULL));
    report("wrong params", fails(url, "add", value("(si)", "x", 1), -32602, NULL));
}

static bool lists(const char *method) {
    xmlrpc_env env;
    xmlrpc_value *names = call(&env, url, "system.listMethods", value("()"));
    if (env.fault_occurred)
        return false;
    snprintf(seen, sizeof seen, "%s is not among the methods", method);
    bool found = false;
    for (int i = 0; i < xmlrpc_array_size(&env, names) && !found; i++) {
        xmlrpc_value *name;
        const char *string;
        xmlrpc_array_read_item(&env, names, i, &name);
        xmlrpc_read_string(&env, name, &string);
        found = !env.fault_occurred && strcmp(string, method) == 0;
        free((void *)string);
        xmlrpc_DECREF(name);
    }
    xmlrpc_DECREF(names);
    xmlrpc_env_clean(&env);
    return found;
}

static void introspection(void) {
    report("listMethods", lists("add") && lists("system.multicall"));
    report("methodHelp", gives("system.methodHelp", value("(s)", "add"), value("s", "Adds two integers.")));
    report("methodSignature",
           gives("system.methodSignature", value("(s)", "add"), value("((sss))", "int", "int", "int")));
    xmlrpc_value *calls = value("(({s:s,s:(ii)}{s:s,s:(is)}{s:s,s:(ss)}))",
        "methodName", "add", "params", 3, 5,
        "methodName", "fail", "params", 4711, UNICODE,
        "methodName", "concat", "params", "ab", "cd");
    report("multicall", gives("system.multicall", calls,
        value("((i){s:i,s:s}(s))", 8, "faultCode", 4711, "faultString", UNICODE, "abcd")));
}

static void many(void) {
    size_t length = 1 << 20;
    char *characters = malloc(length);
    for (size_t i = 0; i < length; i++)
        characters[i] = "large & <long>\n"[i % 15];
    bool passed = echoes(text(characters, length));
    free(characters);
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    xmlrpc_value *numbers = xmlrpc_array_new(&env);
    for (int i = 0; i < 10000; i++) {
        xmlrpc_value *number = xmlrpc_int_new(&env, i);
        xmlrpc_array_append_item(&env, numbers, number);
        xmlrpc_DECREF(number);
    }
    report("large document", echoes(must(&env, numbers)) && passed);

    xmlrpc_value *connection = call(&env, url, "interop.connection", value("()"));
    passed = !env.fault_occurred;
    for (int i = 0; i < 1000 && passed; i++)
        passed = gives("add", value("(ii)", i, 1), value("i", i + 1));
    report("1,000 calls", passed && gives("interop.connection", value("()"), connection));
}

static void errors(void) {
    char nowhere[512];
    snprintf(nowhere, sizeof nowhere, "%s/nowhere", url);
    bool passed = fails(nowhere, "add", value("(ii)", 3, 5), XMLRPC_NETWORK_ERROR, NULL);
    report("error", passed && fails("http://127.0.0.1:1/RPC2", "add", value("(ii)", 3, 5), XMLRPC_NETWORK_ERROR, NULL));
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    url = argv[1];
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    xmlrpc_client_setup_global_const(&env);
    /* The default of 512 KiB is too small for the large document. */
    xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, 16 << 20);
    xmlrpc_client_create(&env, XMLRPC_CLIENT_NO_FLAGS, "farcall-interop", "1", NULL, 0, &client);
    if (env.fault_occurred) {
        fprintf(stderr, "no client: %s\n", env.fault_string);
        return 1;
    }
    scalars();
    unicode();
    whitespace();
    doubles();
    containers();
    faults();
    introspection();
    many();
    errors();
    xmlrpc_client_destroy(client);
    xmlrpc_client_teardown_global_const();
    puts("end");
    return 0;
}
