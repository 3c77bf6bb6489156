// Checks our server with the client of the package xmlrpc, and prints the outcomes. Usage: client.js URL
'use strict'

const assert = require('assert')
const xmlrpc = require('xmlrpc')

const url = process.argv[2]
const client = xmlrpc.createClient({ url })

// A defect of the package itself.
class Defect extends Error {}

const call = (method, ...params) => callOf(client, method, ...params)
const callOf = (client, method, ...params) =>
  new Promise((resolve, reject) =>
    client.methodCall(method, params, (error, value) => (error ? reject(error) : resolve(value))))

// Runs a check and prints its outcome. A check fails by throwing; a text that it returns is a note.
async function check (capability, run) {
  try {
    const note = await run()
    console.log(`ok ${capability}${note ? ': ' + note : ''}`)
  } catch (error) {
    const word = error instanceof Defect ? 'defect' : 'fail'
    console.log(`${word} ${capability}: ${error.message.split(/\s+/).join(' ')}`)
  }
}

function same (got, wanted) {
  const shown = value => JSON.stringify(value).slice(0, 200)
  assert.deepStrictEqual(got, wanted, `got ${shown(got)}, wanted ${shown(wanted)}`)
}

async function echoes (...values) {
  for (const value of values) same(await call('echo', value), value)
}

async function faultOf (...call_) {
  try {
    var value = await call(...call_)
  } catch (error) {
    if (error.faultCode === undefined) throw error
    return error
  }
  throw new Error(`no fault, but ${JSON.stringify(value)}`)
}

// An i8, as users of the package define it.
class I8 extends xmlrpc.CustomType {
  serialize (xml) {
    return xml.ele('i8').txt(this.raw)
  }
}

async function main () {
  await check('int', async () => {
    await echoes(0, 1, 2 ** 31 - 1)
    same(await call('add', 3, 5), 8)
  })
  await check('negative', () => echoes(-1, -(2 ** 31)))
  await check('boolean', () => echoes(true, false))
  await check('string', () => echoes('text', '12'))
  await check('entities', () => echoes('<&>"\' &amp;', ']]>', '<&>"\' &amp; ]]>'))
  await check('unicode', () => echoes('\u00e9\u4e2d\u{1f600}'))
  await check('empty string', () => echoes(''))
  await check('whitespace', () =>
    echoes(' \t two  blanks\nlines\n ', '   ', 'carriage\rreturn\r\n'))
  await check('double', () => echoes(0.5, -2.25, 123456789.125, Math.PI, 1e-7))
  await check('date', () =>
    echoes(new Date(1998, 6, 17, 14, 8, 55), new Date(2026, 1, 28, 0, 0, 0)))
  await check('base64', () =>
    echoes(Buffer.from(Array.from({ length: 256 }, (_, i) => i)), Buffer.alloc(0)))
  await check('array', () => echoes([1, 'two', [2.5, [true]]]))
  await check('empty array', () => echoes([], [[]]))
  await check('struct', () => echoes({ a: 1, 'b<&> \u00e9': { c: ['', 1] } }))
  await check('empty struct', () => echoes({}, { inner: {} }))
  await check('nil', () => echoes(null, [null, 1]))
  await check('i8', async () => {
    for (const number of ['2147483648', '-9223372036854775808']) {
      same(await call('echo', new I8(number)), number)
    }
    return 'an i8 is decoded as a string of digits (`endI8`), and encoded by a `CustomType`'
  })
  await check('fault', async () => {
    const text = 'sch\u00f6n <&> \u{1f600}'
    const fault = await faultOf('fail', 4711, text)
    same([fault.faultCode, fault.faultString], [4711, text])
  })
  await check('unknown method', async () => same((await faultOf('no.such.method')).faultCode, -32601))
  await check('wrong params', async () => same((await faultOf('add', 1)).faultCode, -32602))
  await check('listMethods', async () => {
    const methods = await call('system.listMethods')
    for (const name of ['add', 'echo', 'system.multicall']) assert(methods.includes(name), name)
  })
  await check('methodHelp', async () =>
    same(await call('system.methodHelp', 'add'), 'Adds two integers.'))
  await check('methodSignature', async () =>
    same(await call('system.methodSignature', 'add'), [['int', 'int', 'int']]))
  await check('multicall', async () => {
    const results = await call('system.multicall', [
      { methodName: 'add', params: [1, 2] },
      { methodName: 'fail', params: [7, 'no'] },
      { methodName: 'concat', params: ['a', 'b'] }
    ])
    same(results, [[3], { faultCode: 7, faultString: 'no' }, ['ab']])
  })
  await check('large document', () =>
    echoes('large \u00e9 '.repeat(2 ** 20 / 8), Array.from({ length: 10000 }, (_, i) => i)))
  await check('1,000 calls', async () => {
    const connection = await call('interop.connection')
    for (let i = 0; i < 1000; i++) same(await call('add', i, 1), i + 1)
    same(await call('interop.connection'), connection)
  })
  await check('error', async () => {
    const nowhere = xmlrpc.createClient({ url: 'http://127.0.0.1:1/RPC2' })
    await assert.rejects(callOf(nowhere, 'add', 1, 2), { code: 'ECONNREFUSED' })
    const noPath = xmlrpc.createClient({ url: url.replace('RPC2', 'nowhere') })
    await assert.rejects(callOf(noPath, 'add', 1, 2), { message: 'Not Found' })
  })
  console.log('end')
}

main()
