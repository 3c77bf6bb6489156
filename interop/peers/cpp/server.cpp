// A server based on xmlrpc-c's C++ classes and its HTTP server Abyss: prints its URL and serves.

#include <arpa/inet.h>
#include <iostream>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <xmlrpc-c/base.hpp>
#include <xmlrpc-c/registry.hpp>
#include <xmlrpc-c/server_abyss.hpp>

using namespace xmlrpc_c;

struct Echo : method {
    Echo() { _signature = "?", _help = "Returns any value unchanged."; }
    void execute(paramList const &params, value *result) override {
        if (params.size() != 1)
            throw fault("one parameter is wanted", fault::CODE_TYPE);
        *result = params[0];
    }
};

struct Add : method {
    Add() { _signature = "i:ii", _help = "Adds two integers."; }
    void execute(paramList const &params, value *result) override {
        params.verifyEnd(2);
        *result = value_int(params.getInt(0) + params.getInt(1));
    }
};

struct Concat : method {
    Concat() { _signature = "s:ss", _help = "Joins two strings."; }
    void execute(paramList const &params, value *result) override {
        params.verifyEnd(2);
        *result = value_string(params.getString(0) + params.getString(1));
    }
};

struct Fail : method {
    Fail() { _signature = "n:is", _help = "Fails with the given fault."; }
    void execute(paramList const &params, value *) override {
        params.verifyEnd(2);
        throw fault(params.getString(1), static_cast<fault::code_t>(params.getInt(0)));
    }
};

static int listening(unsigned &port) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto generic = reinterpret_cast<sockaddr *>(&address);
    if (descriptor < 0 || bind(descriptor, generic, length) < 0 || listen(descriptor, 16) < 0 ||
        getsockname(descriptor, generic, &length) < 0)
        throw std::runtime_error("no socket");
    port = ntohs(address.sin_port);
    return descriptor;
}

int main() {
    // The default of 512 KiB is too small for the large document.
    xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, 16 << 20);
    registry methods;
    methods.addMethod("echo", methodPtr(new Echo));
    methods.addMethod("add", methodPtr(new Add));
    methods.addMethod("concat", methodPtr(new Concat));
    methods.addMethod("fail", methodPtr(new Fail));
    unsigned port;
    int descriptor = listening(port);
    // The default closes a connection after 30 calls.
    serverAbyss server(serverAbyss::constrOpt()
                           .registryP(&methods)
                           .socketFd(descriptor)
                           .uriPath("/RPC2")
                           .keepaliveMaxConn(2000)
                           .keepaliveTimeout(60));
    std::cout << "http://127.0.0.1:" << port << "/RPC2" << std::endl;
    server.run();
}
