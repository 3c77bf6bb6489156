# Checks our server with XMLRPC::Client, and prints the outcomes. Usage: client.rb URL
require "xmlrpc/client"

# Settings of a Ruby program that uses nil.
module XMLRPC::Config
  remove_const :ENABLE_NIL_CREATE
  remove_const :ENABLE_NIL_PARSER
  ENABLE_NIL_CREATE = true
  ENABLE_NIL_PARSER = true
end

$stdout.sync = true
URL = ARGV.fetch(0)
SERVER = XMLRPC::Client.new2(URL)

# A defect of Ruby's library itself.
class Defect < StandardError; end

# Runs a check and prints its outcome. A check fails by raising; a text that it returns is a note.
def check(capability)
  note = yield
  puts "ok #{capability}#{": #{note}" if note.is_a?(String)}"
rescue Defect => defect
  puts "defect #{capability}: #{defect.message}"
rescue StandardError => error
  puts "fail #{capability}: #{error.class} #{error.message.split.join(" ")}"
end

def call(*arguments) = SERVER.call(*arguments)

def same(got, wanted)
  return if got == wanted && got.class == wanted.class
  raise "got #{got.inspect[0, 200]}, wanted #{wanted.inspect[0, 200]}"
end

def echoes(*values)
  values.each { |value| same(call("echo", value), value) }
  nil
end

def fault_of(*arguments)
  result = call(*arguments)
  raise "no fault, but #{result.inspect}"
rescue XMLRPC::FaultException => fault
  fault
end

check("int") do
  echoes(0, 1, 2**31 - 1)
  same(call("add", 3, 5), 8)
end
check("negative") { echoes(-1, -(2**31)) }
check("boolean") { echoes(true, false) }
check("string") { echoes("text", "12") }
check("entities") { echoes("<&>\"' &amp; ]]>") }
check("unicode") { echoes("\u00e9\u4e2d\u{1f600}") }
check("empty string") { echoes("") }
check("whitespace") do
  echoes(" \t two  blanks\nlines\n ", "   ")
  value = "carriage\rreturn\r\n"
  got = call("echo", value)
  if got == "carriage\nreturn\n"
    raise Defect, "a carriage return is written raw, which XML reads as a newline " \
                  "(`XMLWriter::Simple#text` in xmlrpc/create.rb escapes only `&`, `<` and `>`)"
  end
  same(got, value)
end
check("double") { echoes(0.5, -2.25, 123_456_789.125, 3.141592653589793, 1e-7) }
check("date") do
  echoes(XMLRPC::DateTime.new(1998, 7, 17, 14, 8, 55), XMLRPC::DateTime.new(2026, 2, 28, 0, 0, 0))
end
check("base64") do
  # The result is a string of bytes.
  [(0..255).to_a.pack("C*"), "".b].each { |data| same(call("echo", XMLRPC::Base64.new(data)).b, data) }
  nil
end
check("array") { echoes([1, "two", [2.5, [true]]]) }
check("empty array") { echoes([], [[]]) }
check("struct") { echoes({ "a" => 1, "b<&> \u00e9" => { "c" => ["", 1] } }) }
check("empty struct") { echoes({}, { "inner" => {} }) }
check("nil") { echoes(nil, [nil, 1]) }
check("i8") do
  same(call("add", 2**31 - 1, 1), 2**31)
  begin
    call("echo", 2**31)
    raise "an integer beyond 32 bits is written"
  rescue RuntimeError => error
    raise unless error.message.include?("Must be signed 32-bit integer")
  end
  "i8 is decoded, but never encoded: integers beyond 32 bits are refused (or, with ENABLE_BIGINT, encoded as `i4`)"
end
check("fault") do
  text = "sch\u00f6n <&> \u{1f600}"
  fault = fault_of("fail", 4711, text)
  same([fault.faultCode, fault.faultString], [4711, text])
end
check("unknown method") { same(fault_of("no.such.method").faultCode, -32601) }
check("wrong params") { same(fault_of("add", 1).faultCode, -32602) }
check("listMethods") do
  missing = %w[add echo system.multicall] - call("system.listMethods")
  same(missing, [])
end
check("methodHelp") { same(call("system.methodHelp", "add"), "Adds two integers.") }
check("methodSignature") { same(call("system.methodSignature", "add"), [%w[int int int]]) }
check("multicall") do
  sum, fault, joined = SERVER.multicall2(["add", 1, 2], ["fail", 7, "no"], ["concat", "a", "b"])[1]
  same(sum, 3)
  same([fault.faultCode, fault.faultString], [7, "no"])
  same(joined, "ab")
end
check("large document") { echoes("large \u00e9 " * (2**20 / 8), (0...10_000).to_a) }
check("1,000 calls") do
  connection = call("interop.connection")
  1000.times { |number| same(call("add", number, 1), number + 1) }
  same(call("interop.connection"), connection)
end
check("gzip") do
  # Net::HTTP requests gzip and decompresses the reply.
  raise "gzip is not requested" unless call("interop.header", "accept-encoding").include?("gzip")
  echoes("zip me " * 5000)
  "replies only: the library does not compress calls"
end
check("error") do
  begin
    XMLRPC::Client.new2("http://127.0.0.1:1/RPC2").call("add", 1, 2)
    raise "nowhere answers"
  rescue SystemCallError
    # The call must fail.
  end
  begin
    XMLRPC::Client.new2(URL.sub("RPC2", "nowhere")).call("add", 1, 2)
    raise "no such path answers"
  rescue RuntimeError => error
    raise unless error.message.include?("404")
  end
end
puts "end"
