// A server based on the package xmlrpc, for our client. It prints its URL and serves until it is killed.
'use strict'

const xmlrpc = require('xmlrpc')

const server = xmlrpc.createServer({ host: '127.0.0.1', port: 0 }, () => {
  console.log(`http://127.0.0.1:${server.httpServer.address().port}/RPC2`)
})
server.on('add', (_, [a, b], reply) => reply(null, a + b))
server.on('concat', (_, [a, b], reply) => reply(null, a + b))
server.on('echo', (_, [x], reply) => reply(null, x))
server.on('fail', (_, [faultCode, faultString], reply) => reply({ faultCode, faultString }))
