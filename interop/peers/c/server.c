/* A server based on xmlrpc-c and its HTTP server Abyss: prints its URL and serves. */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/server.h>
#include <xmlrpc-c/server_abyss.h>

static xmlrpc_value *echo(xmlrpc_env *env, xmlrpc_value *params, void *server, void *call) {
    (void)server, (void)call;
    xmlrpc_value *x = NULL;
    xmlrpc_decompose_value(env, params, "(V)", &x);
    return x;
}

static xmlrpc_value *add(xmlrpc_env *env, xmlrpc_value *params, void *server, void *call) {
    (void)server, (void)call;
    int a, b;
    xmlrpc_decompose_value(env, params, "(ii)", &a, &b);
    return env->fault_occurred ? NULL : xmlrpc_build_value(env, "i", a + b);
}

static xmlrpc_value *concat(xmlrpc_env *env, xmlrpc_value *params, void *server, void *call) {
    (void)server, (void)call;
    const char *a, *b;
    xmlrpc_decompose_value(env, params, "(ss)", &a, &b);
    if (env->fault_occurred)
        return NULL;
    xmlrpc_value *joined = xmlrpc_string_new_f(env, "%s%s", a, b);
    free((void *)a);
    free((void *)b);
    return joined;
}

static xmlrpc_value *fail(xmlrpc_env *env, xmlrpc_value *params, void *server, void *call) {
    (void)server, (void)call;
    int code;
    const char *text;
    xmlrpc_decompose_value(env, params, "(is)", &code, &text);
    if (env->fault_occurred)
        return NULL;
    xmlrpc_env_set_fault(env, code, text);
    free((void *)text);
    return NULL;
}

static int listening(unsigned *port) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, length) < 0 || listen(descriptor, 16) < 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &length) < 0) {
        perror("socket");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return descriptor;
}

int main(void) {
    static const struct xmlrpc_method_info3 methods[] = {
        {"echo", echo, NULL, 0, "?", "Returns any value unchanged."},
        {"add", add, NULL, 0, "i:ii", "Adds two integers."},
        {"concat", concat, NULL, 0, "s:ss", "Joins two strings."},
        {"fail", fail, NULL, 0, "n:is", "Fails with the given fault."},
    };
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    /* The default of 512 KiB is too small for the large document. */
    xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, 16 << 20);
    xmlrpc_server_abyss_global_init(&env);
    xmlrpc_registry *registry = xmlrpc_registry_new(&env);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        xmlrpc_registry_add_method3(&env, registry, &methods[i]);
    /* The dialect with <i8> and <nil> instead of Apache's <ex:i8> and <ex:nil>. */
    xmlrpc_registry_set_dialect(&env, registry, xmlrpc_dialect_i8);

    unsigned port;
    xmlrpc_server_abyss_parms parameters = {
        .registryP = registry,
        .socket_bound = 1,
        .socket_handle = listening(&port),
        .uri_path = "/RPC2",
        /* The default closes a connection after 30 calls. */
        .keepalive_max_conn = 2000,
        .keepalive_timeout = 60,
    };
    xmlrpc_server_abyss_t *server;
    xmlrpc_server_abyss_create(&env, &parameters, XMLRPC_APSIZE(uri_path), &server);
    if (env.fault_occurred) {
        fprintf(stderr, "%s\n", env.fault_string);
        return 1;
    }
    printf("http://127.0.0.1:%u/RPC2\n", port);
    fflush(stdout);
    xmlrpc_server_abyss_run_server(&env, server);
    return 0;
}
