// The documentation page: search, links, forms that call the service, and code to copy.
//
// Texts of the service get into the page as text nodes and attributes only. Names of parameters and methods can be any text,
// so elements are found by reference, not as members of `window` or of a form.
'use strict';
(() => {
const body = document.body, canCall = body.dataset.calls === 'true', hasXml = body.dataset.xml === 'true', hasJson = body.dataset.json === 'true';
const base = location.origin + location.pathname;
const methods = [...document.querySelectorAll('[data-method]')];
const byName = new Map(methods.map(e => [e.dataset.method, e]));
let protocol = hasXml ? 'xml' : 'json', authorization = '', serial = 0;

/** Creates an element: attributes, listeners (`onclick`), children. */
function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else if (value === true) e.setAttribute(name, '');
    else if (value !== false && value != null) e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

// Values: [type, content]. Numbers are texts, so that every digit stays.

/** Reads JSON. Throws an error that has the position. */
function readJson(text) {
  let at = 0;
  const fail = what => {
    const before = text.slice(0, at).split('\n');
    throw new Error(`${what} at line ${before.length}, column ${before.at(-1).length + 1}`);
  };
  const space = () => { while (' \t\n\r'.includes(text[at] ?? 'x')) at++; };
  const string = () => {
    const found = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
    found.lastIndex = at;
    const match = found.exec(text) ?? fail('this string is not complete');
    at = found.lastIndex;
    return JSON.parse(match[0]);
  };
  const value = depth => {
    if (depth > 64) fail('deeper than 64 levels');
    space();
    const c = text[at];
    if (c === '"') return ['string', string()];
    if (c === '[' || c === '{') {
      const isArray = c === '[', end = isArray ? ']' : '}', content = [];
      at++; space();
      if (text[at] === end) { at++; return [isArray ? 'array' : 'struct', content]; }
      for (;;) {
        space();
        if (isArray) content.push(value(depth + 1));
        else {
          if (text[at] !== '"') fail('expected the name of a member, in quotes,');
          const name = string();
          space();
          if (text[at++] !== ':') { at--; fail('expected “:”'); }
          content.push([name, value(depth + 1)]);
        }
        space();
        if (text[at] === ',') at++;
        else if (text[at] === end) { at++; return [isArray ? 'array' : 'struct', content]; }
        else fail(`expected “,” or “${end}”`);
      }
    }
    const word = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null/y;
    word.lastIndex = at;
    const match = word.exec(text);
    if (!match) fail(at < text.length ? 'this is not JSON' : 'a value is missing');
    at = word.lastIndex;
    if (match[0] === 'null') return ['nil'];
    if (match[0] === 'true' || match[0] === 'false') return ['boolean', match[0] === 'true'];
    return [match[1] || match[2] ? 'double' : 'int', match[0]];
  };
  const read = value(0);
  space();
  if (at < text.length) fail('more than one value');
  return read;
}

const hex = bytes => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join(' ');
const toBase64 = bytes => { let s = ''; for (const b of bytes) s += String.fromCharCode(b); return btoa(s); };
const fromBase64 = text => Uint8Array.from(atob(text.replace(/\s/g, '')), c => c.charCodeAt(0));

/** Characters that hide or reorder others, as each language escapes them. */
const visible = (text, escape) => text.replace(/\p{Cf}/gu, c => escape(c.codePointAt(0).toString(16)));
const jsonString = text => JSON.stringify(text).replace(/\p{Cf}/gu, c => c.replace(/[^]/g, u => '\\u' + u.charCodeAt(0).toString(16).padStart(4, '0')));

/** Returns a value as JSON in one line. */
function toJson([type, content]) {
  switch (type) {
    case 'nil': return 'null';
    case 'string': case 'date': return jsonString(content);
    case 'bytes': return jsonString(toBase64(content));
    case 'array': return `[${content.map(toJson).join(', ')}]`;
    case 'struct': return `{${content.map(([n, v]) => `${jsonString(n)}: ${toJson(v)}`).join(', ')}}`;
    default: return String(content);
  }
}

/** Shows a value as coloured JSON, with bytes as their length and first digits. */
function show(value) {
  const out = document.createDocumentFragment();
  let room = 200000;
  const put = (text, kind) => {
    if (room <= 0) return;
    if (text.length > room) text = text.slice(0, room) + ' …';
    room -= text.length;
    out.append(kind ? el('span', { class: kind }, text) : text);
  };
  const walk = ([type, content], indent) => {
    const inner = indent + '  ';
    if (type === 'array' || type === 'struct') {
      const [open, close] = type === 'array' ? '[]' : '{}';
      if (!content.length) return put(open + close);
      put(open);
      content.forEach((entry, i) => {
        if (room <= 0) return;
        put((i ? ',\n' : '\n') + inner);
        if (type === 'struct') { put(jsonString(entry[0]), 'key'); put(': '); entry = entry[1]; }
        walk(entry, inner);
      });
      put(`\n${indent}${close}`);
    } else if (type === 'bytes') {
      put(`${content.length} bytes`, 'number');
      if (content.length) put(' ' + hex(content.slice(0, 256)) + (content.length > 256 ? ' …' : ''), 'other');
    } else if (type === 'string' || type === 'date') put(jsonString(content), 'string');
    else put(type === 'nil' ? 'nil' : String(content), type === 'int' || type === 'double' ? 'number' : 'word');
  };
  walk(value, '');
  return out;
}

// XML-RPC. Documents are built and read by the browser, not put together from texts.

function writeXml(method, params) {
  const doc = document.implementation.createDocument(null, 'methodCall');
  const add = (parent, tag, text) => {
    const e = parent.appendChild(doc.createElement(tag));
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const text = s => {
    const bad = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.exec(s);
    if (bad) throw new Error(`XML has no character U+${bad[0].charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`);
    return s;
  };
  const write = (parent, [type, content]) => {
    const v = add(parent, 'value');
    switch (type) {
      case 'nil': return add(v, 'nil');
      case 'boolean': return add(v, 'boolean', content ? '1' : '0');
      case 'int': {
        const n = BigInt(content);
        if (BigInt.asIntN(64, n) !== n) throw new Error('an integer of XML-RPC has at most 64 bits');
        return add(v, BigInt.asIntN(32, n) === n ? 'int' : 'i8', String(n));
      }
      case 'double': return add(v, 'double', content);
      case 'bytes': return add(v, 'base64', toBase64(content));
      case 'date': return add(v, 'dateTime.iso8601', content);
      case 'array': { const data = add(add(v, 'array'), 'data'); return content.forEach(e => write(data, e)); }
      case 'struct': {
        const s = add(v, 'struct');
        return content.forEach(([n, e]) => { const m = add(s, 'member'); add(m, 'name', text(n)); write(m, e); });
      }
      default: return add(v, 'string', text(content));
    }
  };
  add(doc.documentElement, 'methodName', text(method));
  const list = add(doc.documentElement, 'params');
  for (const param of params) write(add(list, 'param'), param);
  // A carriage return as itself would be read as a line feed.
  const written = new XMLSerializer().serializeToString(doc).replace(/\r/g, '&#13;');
  return '<?xml version="1.0"?>\n' + visible(written, code => `&#x${code};`);
}

function readXml(text) {
  const doc = new DOMParser().parseFromString(text, 'text/xml');
  if (doc.getElementsByTagName('parsererror').length) throw new Error('the answer is not XML');
  const only = e => e.children[0];
  const child = (e, name) => [...e.children].find(c => c.localName === name);
  const value = e => {
    const inner = only(e);
    if (!inner) return ['string', e.textContent];
    const content = inner.textContent;
    switch (inner.localName) {
      case 'int': case 'i1': case 'i2': case 'i4': case 'i8': return ['int', content.trim()];
      case 'double': case 'float': return ['double', content.trim()];
      case 'boolean': return ['boolean', content.trim() === '1'];
      case 'base64': return ['bytes', fromBase64(content)];
      case 'dateTime.iso8601': return ['date', content];
      case 'nil': return ['nil'];
      case 'array': return ['array', [...(child(inner, 'data')?.children ?? [])].map(value)];
      case 'struct': return ['struct', [...inner.children].map(m => [child(m, 'name').textContent, value(child(m, 'value'))])];
      default: return ['string', content];
    }
  };
  const root = doc.documentElement, fault = child(root, 'fault');
  if (fault) {
    const members = Object.fromEntries(value(only(fault))[1]);
    return { fault: [members.faultCode?.[1] ?? '', members.faultString?.[1] ?? ''] };
  }
  const param = only(child(root, 'params') ?? root);
  return { value: param && only(param) ? value(only(param)) : ['nil'] };
}

function readJsonRpc(text) {
  const answer = new Map(readJson(text)[1]);
  const error = answer.get('error');
  if (!error) return { value: answer.get('result') ?? ['nil'] };
  const members = new Map(error[1]);
  const kind = new Map(members.get('data')?.[1] ?? []).get('kind')?.[1];
  return { fault: [members.get('code')?.[1] ?? '', members.get('message')?.[1] ?? '', kind] };
}

function document_of(method, params) {
  return protocol === 'xml'
    ? { type: 'text/xml', text: writeXml(method, params) }
    : { type: 'application/json',
        text: `{"jsonrpc": "2.0", "id": 1, "method": ${jsonString(method)}, "params": [${params.map(toJson).join(', ')}]}` };
}

// Fields: each returns its value, or throws an error for its reader.

const INT = /^\s*([+-]?\d+)\s*$/, DOUBLE = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;

function typed(kind, text) {
  switch (kind) {
    case 'int': {
      const match = INT.exec(text);
      if (!match) throw new Error(text.trim() ? 'This is not an integer.' : 'An integer is needed.');
      return ['int', String(BigInt(match[1].replace('+', '')))];
    }
    case 'double':
      if (!DOUBLE.test(text)) throw new Error(text.trim() ? 'This is not a number.' : 'A number is needed.');
      return ['double', text.trim()];
    case 'boolean': return ['boolean', text === 'true'];
    case 'string': return ['string', text];
    case 'nil': return ['nil'];
    case 'bytes':
      try { return ['bytes', fromBase64(text)]; } catch { throw new Error('This is not base64.'); }
    case 'date': {
      if (!text) throw new Error('A date is needed.');
      const [day, time] = text.split('T');
      return ['date', `${protocol === 'xml' ? day.replace(/-/g, '') : day}T${time.length === 5 ? time + ':00' : time}`];
    }
    default: {
      if (!text.trim()) throw new Error('A value is needed, in JSON.');
      const value = readJson(text);
      if ((kind === 'array' || kind === 'struct') && value[0] !== kind)
        throw new Error(kind === 'array' ? 'An array is needed: [1, 2].' : 'A struct is needed: {"name": 1}.');
      return value;
    }
  }
}

function field({ name, shown = name, kind, type, inside, optional, example, choices }, removable) {
  const problem = el('p', { class: 'problem', id: `.problem${++serial}` });
  const common = { name, 'aria-label': name, 'aria-describedby': problem.id, autocomplete: 'off', spellcheck: 'false' };
  let file, input;
  if (choices || kind === 'boolean') {
    const options = choices ?? ['true', 'false'];
    input = el('select', common, ...options.map(o => el('option', {}, o)));
  } else if (kind === 'int') input = el('input', { ...common, inputmode: 'numeric' });
  else if (kind === 'double') input = el('input', { ...common, inputmode: 'decimal' });
  else if (kind === 'date') input = el('input', { ...common, type: 'datetime-local', step: '1' });
  else {
    const json = !['string', 'bytes'].includes(kind);
    input = el('textarea', { ...common, rows: '1', placeholder: kind === 'bytes' ? 'base64' : json ? 'JSON' : null });
    if (example) input.value = example;
    if (kind === 'bytes') file = el('input', { type: 'file', 'aria-label': `file for ${name}`, onchange: async () => {
      if (!file.files[0]) return;
      input.value = toBase64(new Uint8Array(await file.files[0].arrayBuffer()));
      input.dispatchEvent(new Event('input', { bubbles: true }));
    } });
    // Enter makes the call, as in other fields; Shift+Enter begins a line.
    input.addEventListener('keydown', e => {
      if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); input.closest('form').requestSubmit(); }
    });
  }
  const omit = optional && el('input', { type: 'checkbox', onchange: () => {
    input.disabled = omit.checked;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  } });
  if (omit) { omit.checked = true; input.disabled = true; }
  const row = el('div', { class: 'field' },
    el('div', { class: 'title' }, el('code', {}, shown), el('span', { class: 'type' }, type)),
    el('div', { class: 'control' }, input, ...(file ? [file] : []),
      ...(omit ? [el('label', { class: 'omit' }, omit, 'leave out')] : []),
      ...(inside ? [el('p', { class: 'inside' }, inside)] : []), problem));
  if (removable) row.lastChild.append(el('button', { type: 'button', class: 'small', onclick: removable }, 'Remove'));
  return {
    row,
    omitted: () => omit?.checked ?? false,
    read(report) {
      try {
        const value = omit?.checked ? ['nil'] : typed(choices ? 'string' : kind, input.value);
        if (report) { problem.textContent = ''; input.removeAttribute('aria-invalid'); }
        return value;
      } catch (error) {
        if (report) { problem.textContent = error.message; input.setAttribute('aria-invalid', 'true'); input.focus(); }
        throw error;
      }
    },
  };
}

// Code that makes the call.

const shell = text => {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (/\p{Cf}/u.test(text)) return `$'${visible(text.replace(/['\\]/g, '\\$&'), code => `\\U${code.padStart(8, '0')}`)}'`;
  return `'${text.replace(/'/g, `'\\''`)}'`;
};
const isName = text => /^[A-Za-z_]\w*$/.test(text);

/** A text in double quotes, for languages with \u escapes of this form. */
const quoted = (text, unicode) => '"' + text.replace(/["\\\x00-\x1f\x7f-\u{10ffff}]/gu, c => {
  const known = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }[c];
  const code = c.codePointAt(0);
  return known ?? (code >= 0xa0 && /[\p{L}\p{N}\p{S}\p{Zs}]/u.test(c) ? c : unicode(code));
}) + '"';
const python = text => quoted(text, c => c > 0xffff ? `\\U${c.toString(16).padStart(8, '0')}` : `\\u${c.toString(16).padStart(4, '0')}`);
const rust = text => quoted(text, c => `\\u{${c.toString(16)}}`);

function pythonValue([type, content]) {
  switch (type) {
    case 'nil': return 'None';
    case 'boolean': return content ? 'True' : 'False';
    case 'string': return python(content);
    case 'bytes': return `bytes.fromhex("${hex(content)}")`;
    case 'date': return `DateTime("${content}")`;
    case 'array': return `[${content.map(pythonValue).join(', ')}]`;
    case 'struct': return `{${content.map(([n, v]) => `${python(n)}: ${pythonValue(v)}`).join(', ')}}`;
    default: return content;
  }
}

function rustValue([type, content]) {
  switch (type) {
    case 'nil': return '()';
    case 'string': return rust(content);
    case 'double': return /[.eE]/.test(content) ? content : content + '.0';
    case 'bytes': return `&b"${Array.from(content, b => `\\x${b.toString(16).padStart(2, '0')}`).join('')}"[..]`;
    case 'date': return `"${content}".parse::<farcall::DateTime>()?`;
    case 'array': case 'struct': return `serde_json::json!(${toJson([type, content])})`;
    default: return String(content);
  }
}

const RUST_TYPES = { nil: '()', boolean: 'bool', int: 'i64', double: 'f64', string: 'String', bytes: 'Vec<u8>', date: 'farcall::DateTime' };

const CODE = {
  python(method, params) {
    const path = method.split('.');
    const target = path.every(p => isName(p) && !/^_/.test(p)) ? `server.${method}` : `getattr(server, ${python(method)})`;
    const args = params.map(pythonValue);
    const flags = args.some(a => /\bNone\b/.test(a)) ? ', allow_none=True' : '';
    const names = args.some(a => a.includes('DateTime(')) ? 'DateTime, ServerProxy' : 'ServerProxy';
    return `from xmlrpc.client import ${names}\n\nserver = ServerProxy(${python(base)}${flags})\nprint(${target}(${args.join(', ')}))`;
  },
  rust(method, params, returns) {
    const args = params.map(rustValue);
    const tuple = args.length === 1 ? `(${args[0]},)` : `(${args.join(', ')})`;
    return `let client = farcall::${hasXml ? 'xmlrpc' : 'jsonrpc'}::Client::new(${rust(base)})?;\n` +
      `let result: ${RUST_TYPES[returns] ?? 'farcall::Value'} = client.call(${rust(method)}, ${tuple}).await?;`;
  },
  curl(method, params) {
    const { type, text } = document_of(method, params);
    return `curl -H 'Content-Type: ${type}' --data-binary \\\n  ${shell(text)} \\\n  ${shell(base)}`;
  },
  farcall(method, params) {
    const arg = v => shell(v[0] === 'string' && /^[A-Za-z][\w ]*$/.test(v[1]) && !/^(true|false|null|nan|inf|infinity)$/i.test(v[1]) ? v[1] : toJson(v));
    return ['farcall call', shell((hasXml ? '' : 'json+') + base), shell(method), ...params.map(arg)].join(' ');
  },
};

// The form of a method, made when it is opened.

const LANGUAGES = { python: 'Python', rust: 'Rust', curl: 'curl', farcall: 'farcall' };
let language = hasXml ? 'python' : 'rust';
// Python has no client of JSON-RPC of its own.
if (!hasXml) delete LANGUAGES.python;

function build(method) {
  if (method.classList.contains('has-form')) return;
  method.classList.add('has-form');
  const name = method.dataset.method, place = method.querySelector('.body');
  const list = place.querySelector('.parameters');
  list?.previousElementSibling.classList.add('parameters-title');
  const text = (li, selector) => li.querySelector(selector)?.textContent;
  const fields = [...(list?.children ?? [])].map(li => field({
    name: li.dataset.param, shown: text(li, 'code'), kind: li.dataset.kind, type: text(li, '.type'), inside: text(li, '.inside'),
    optional: 'optional' in li.dataset, example: li.dataset.example, choices: li.dataset.choices?.split('\n'),
  }));
  const rows = el('div', {}, ...fields.map(f => f.row)), more = [];
  const add = () => {
    const added = field({ name: `${fields.length + more.length + 1}`, kind: 'any', type: 'any' }, () => {
      more.splice(more.indexOf(added), 1); added.row.remove(); write();
    });
    more.push(added); rows.append(added.row); write();
    return added;
  };
  const params = report => {
    const all = [...fields, ...more];
    let end = all.length;
    while (end > 0 && all[end - 1].omitted()) end--;
    const values = [];
    let failed;
    // The first field that does not fit gets the focus.
    for (const f of all.slice(0, end).reverse()) try { values.unshift(f.read(report)); } catch (e) { failed = e; }
    if (failed) throw failed;
    return values;
  };

  const submit = el('button', { type: 'submit' }, 'Call');
  const cancel = el('button', { type: 'button', hidden: true }, 'Cancel');
  const result = el('div', { 'data-result': true, role: 'status', tabindex: '0', 'aria-label': 'Result' });
  const fault = el('div', { 'data-fault': true, role: 'alert' });
  const meta = el('p', { class: 'meta' }), sent = el('pre', { tabindex: '0' }), got = el('pre', { tabindex: '0' });
  const wire = el('details', { class: 'wire', hidden: true }, el('summary', {}, 'Request and answer'),
    el('h5', {}, 'Request'), sent, el('h5', {}, 'Answer'), got);
  const form = el('form', { novalidate: true, 'aria-label': `Call ${name}`, onsubmit: e => { e.preventDefault(); if (canCall) call(); }, oninput: () => write() },
    rows, el('div', { class: 'actions' }, ...(canCall ? [submit, cancel] : []),
      ...('variadic' in method.dataset ? [el('button', { type: 'button', class: 'small', onclick: () => add().row.querySelector('textarea').focus() }, 'Add a parameter')] : [])));

  async function call() {
    result.replaceChildren(); fault.replaceChildren(); meta.replaceChildren(); wire.hidden = true;
    let request;
    try { request = document_of(name, params(true)); } catch (error) {
      if (!form.querySelector('[aria-invalid=true]')) fault.textContent = error.message;
      return;
    }
    const abort = new AbortController(), started = performance.now();
    const stop = () => abort.abort();
    cancel.addEventListener('click', stop);
    const waiting = setTimeout(() => { cancel.hidden = false; meta.textContent = 'Waiting for the answer…'; }, 300);
    submit.setAttribute('aria-disabled', 'true');
    try {
      const headers = { 'Content-Type': request.type, Accept: request.type };
      if (authorization) headers.Authorization = authorization;
      const response = await fetch('', { method: 'POST', headers, body: request.text, signal: abort.signal });
      const answer = await response.text();
      const time = performance.now() - started;
      sent.textContent = `POST ${location.pathname}\nContent-Type: ${request.type}\n\n${request.text}`;
      got.textContent = `${response.status} ${response.statusText}\nContent-Type: ${response.headers.get('content-type') ?? ''}\n\n` +
        (answer.length > 200000 ? answer.slice(0, 200000) + ' …' : answer);
      wire.hidden = false;
      meta.replaceChildren(el('span', {}, `${response.status}`), el('span', {}, `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`),
        el('span', {}, `${new Blob([answer]).size.toLocaleString('en')} bytes`));
      let outcome;
      try { outcome = protocol_of(request)(answer); } catch (error) {
        if (response.ok) throw error;
        fault.textContent = `HTTP ${response.status}: ${answer.trim().slice(0, 2000)}`;
        return;
      }
      if (outcome.fault) {
        const [code, text, kind] = outcome.fault;
        fault.append(el('b', {}, `Fault ${code}`), visible(text, code => `\\u{${code}}`), ...(kind ? [el('span', { class: 'other' }, `\n${kind}`)] : []));
      } else {
        result.append(show(outcome.value));
        if (outcome.value[0] === 'bytes' && outcome.value[1].length) meta.append(el('button', { type: 'button', class: 'small', onclick: () => save(name, outcome.value[1]) }, 'Save'));
      }
    } catch (error) {
      meta.replaceChildren();
      fault.textContent = error.name === 'AbortError' ? 'Cancelled.' : `There is no answer: ${error.message}`;
    } finally {
      clearTimeout(waiting); cancel.hidden = true; submit.removeAttribute('aria-disabled'); cancel.removeEventListener('click', stop);
    }
  }

  const code = el('pre', { tabindex: '0', 'aria-label': 'Code' }), copied = el('span', { class: 'copied', role: 'status' });
  const buttons = Object.entries(LANGUAGES).map(([key, title]) => el('button', { type: 'button', 'data-copy': key, 'aria-pressed': 'false', title: `Copy as ${title}`, onclick: async () => {
    language = key; write();
    try { await navigator.clipboard.writeText(code.textContent); copied.textContent = 'Copied'; } catch {
      getSelection().selectAllChildren(code); copied.textContent = 'Selected: press Ctrl+C';
    }
    setTimeout(() => { copied.textContent = ''; }, 2500);
  } }, title));
  function write() {
    for (const b of buttons) b.setAttribute('aria-pressed', String(b.dataset.copy === language));
    try { code.textContent = CODE[language](name, params(false), method.dataset.returns); code.classList.remove('quiet'); }
    catch { code.textContent = 'Fill in the fields to see the code.'; code.classList.add('quiet'); }
  }
  place.append(el('h4', {}, canCall ? 'Try it' : 'Parameters'), form,
    ...(canCall ? [el('div', { class: 'outcome' }, result, fault, meta, wire)] : []),
    el('div', { class: 'code' }, el('h4', {}, 'Call it from'),
      el('div', { class: 'row' }, el('div', { class: 'segments', role: 'group', 'aria-label': 'Copy as' }, ...buttons), copied), code));
  write();
  rewriters.push(write);
}

const rewriters = [];
const protocol_of = request => request.type === 'text/xml' ? readXml : readJsonRpc;

function save(name, bytes) {
  const url = URL.createObjectURL(new Blob([bytes]));
  el('a', { href: url, download: `${name}.bin` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

for (const method of methods) method.addEventListener('toggle', () => { if (method.open) build(method); });

// Links to methods.

function open(name, focus) {
  const method = byName.get(name);
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.link === name) link.setAttribute('aria-current', 'true'); else link.removeAttribute('aria-current');
  }
  if (!method) return;
  method.closest('.group').open = true;
  method.hidden = false;
  method.open = true;
  build(method);
  method.scrollIntoView();
  if (focus) method.querySelector('summary').focus({ preventScroll: true });
}
const current = () => { try { return decodeURIComponent(location.hash.slice(1)); } catch { return ''; } };
window.onhashchange = () => open(current(), true);
document.addEventListener('click', e => {
  const link = e.target.closest?.('nav a');
  if (link && link.dataset.link === current()) open(current(), true);
  const summary = e.target.closest?.('.method > summary');
  // The address is that of the method that was opened last, to be sent to a colleague.
  if (summary && !summary.parentElement.open) history.replaceState(null, '', '#' + encodeURIComponent(summary.parentElement.dataset.method));
});

// Search.

const count = el('span', { class: 'quiet', role: 'status' });
const search = el('input', { type: 'search', placeholder: 'Search methods', 'aria-label': 'Search methods', autocomplete: 'off', oninput: filter });
const haystacks = new Map();
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const method of methods) {
    if (words.length && !haystacks.has(method))
      haystacks.set(method, (method.dataset.method + ' ' + [...method.querySelectorAll('[data-signature], [data-doc]')].map(e => e.textContent).join(' ')).toLowerCase());
    method.hidden = !words.every(word => haystacks.get(method).includes(word));
    if (!method.hidden) found++;
  }
  const hidden = new Set(methods.filter(m => m.hidden).map(m => m.dataset.method));
  for (const group of document.querySelectorAll('.group')) {
    const visible = [...group.querySelectorAll('.method')].some(m => !m.hidden);
    group.hidden = !visible;
    if (words.length && visible) { if (!group.open) { group.open = true; group.dataset.opened = ''; } }
    else if (!words.length && 'opened' in group.dataset) { group.open = false; delete group.dataset.opened; }
  }
  for (const link of document.querySelectorAll('nav a')) link.parentElement.hidden = hidden.has(link.dataset.link);
  document.querySelector('.none').hidden = found > 0;
  count.textContent = words.length ? `${found} of ${methods.length}` : '';
}
document.addEventListener('keydown', e => {
  const inField = e.target.closest?.('input, textarea, select');
  if (e.key === '/' && !inField && !e.ctrlKey && !e.metaKey && !e.altKey) { e.preventDefault(); search.focus(); search.select(); }
  if (e.key === 'Escape' && e.target === search) { search.value = ''; filter(); search.blur(); }
});

// The bar.

const tools = document.querySelector('.tools');
tools.append(count, el('div', { class: 'search' }, search, el('kbd', { 'aria-hidden': 'true' }, '/')));
if (hasXml && hasJson) {
  const choice = (value, title) => {
    const input = el('input', { type: 'radio', name: '.protocol', value, onchange: () => { protocol = value; for (const write of rewriters) write(); } });
    input.checked = value === protocol;
    return el('label', {}, input, title);
  };
  tools.append(el('fieldset', { class: 'segments', role: 'radiogroup', 'aria-label': 'Protocol' }, choice('xml', 'XML'), choice('json', 'JSON')));
}
const icon = path => {
  const ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg'), p = document.createElementNS(ns, 'path');
  svg.setAttribute('viewBox', '0 0 24 24'); svg.setAttribute('aria-hidden', 'true'); p.setAttribute('d', path); svg.append(p);
  return svg;
};
if (canCall) {
  const secret = el('input', { type: 'password', 'aria-label': 'Authorization header', placeholder: 'Authorization: Bearer …', autocomplete: 'off', hidden: true,
    oninput: () => { authorization = secret.value.replace(/^authorization:\s*/i, '').trim(); key.setAttribute('aria-pressed', String(!!authorization)); } });
  const key = el('button', { type: 'button', class: 'icon', title: 'Credentials', 'aria-label': 'Credentials', 'aria-pressed': 'false',
    onclick: () => { secret.hidden = !secret.hidden; if (!secret.hidden) secret.focus(); } }, icon('M12 15.5a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM11 12.5 20 3.5m-4 4 3 3m-6 0 2 2'));
  tools.append(secret, key);
}
tools.append(el('button', { type: 'button', class: 'icon', title: 'Dark or light', 'aria-label': 'Dark or light', onclick: () => {
  const root = document.documentElement, dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = root.dataset.theme ?? (dark ? 'dark' : 'light');
  root.dataset.theme = now === 'dark' ? 'light' : 'dark';
} }, icon('M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z')));
document.querySelector('.facts .url').textContent = base;
for (const method of methods) if (method.open) build(method);
if (location.hash) open(current(), false);
})();
