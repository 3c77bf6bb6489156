# A server based on XMLRPC::WEBrickServlet, for our client. It prints its URL and serves until it is killed.
require "webrick"
require "xmlrpc/server"

# Settings of a Ruby program that uses nil.
module XMLRPC::Config
  remove_const :ENABLE_NIL_CREATE
  remove_const :ENABLE_NIL_PARSER
  ENABLE_NIL_CREATE = true
  ENABLE_NIL_PARSER = true
end

servlet = XMLRPC::WEBrickServlet.new
servlet.add_introspection
servlet.add_multicall
servlet.add_handler("add", %w[int int int], "Adds two integers.") { |a, b| a + b }
servlet.add_handler("concat", %w[string string string]) { |a, b| a + b }
servlet.add_handler("echo") { |x| x }
servlet.add_handler("fail") { |code, text| raise XMLRPC::FaultException.new(code, text) }

server = WEBrick::HTTPServer.new(
  # WEBrick sends head and body separately, and without TCP_NODELAY the body would wait for the acknowledgement
  # of the head.
  AcceptCallback: ->(socket) { socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, true) },
  BindAddress: "127.0.0.1", Port: 0, AccessLog: [],
  StartCallback: -> {
    puts "http://127.0.0.1:#{server.listeners[0].addr[1]}/RPC2"
    $stdout.flush
  }
)
server.mount("/RPC2", servlet)
server.start
