<?php
// Checks our server with the extension xmlrpc over curl, and prints the outcomes. Usage: client.php URL
declare(strict_types=1);

// A defect of the extension itself.
class Defect extends Exception
{
}

$url = $argv[1];
// One handle, which keeps its connection. An empty encoding requests all encodings that curl supports.
$curl = curl_init();
curl_setopt_array($curl, [
    CURLOPT_HTTPHEADER => ['Content-Type: text/xml; charset=utf-8', 'Expect:'],
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_FAILONERROR => true,
    CURLOPT_ENCODING => '',
]);

// Returns the document as a program that uses UTF-8 encodes it: the default is ISO 8859-1.
function request(string $method, array $params): string
{
    return xmlrpc_encode_request($method, $params, ['encoding' => 'UTF-8', 'escaping' => ['markup']]);
}

function call_at(string $url, string $method, mixed ...$params): mixed
{
    global $curl;
    curl_setopt($curl, CURLOPT_URL, $url);
    curl_setopt($curl, CURLOPT_POSTFIELDS, request($method, $params));
    $reply = curl_exec($curl);
    if ($reply === false) {
        throw new RuntimeException('curl: ' . curl_error($curl));
    }
    return xmlrpc_decode($reply, 'UTF-8');
}

function call(string $method, mixed ...$params): mixed
{
    global $url;
    return call_at($url, $method, ...$params);
}

// Runs a check and prints its outcome. A check fails by throwing; a text that it returns is a note.
function check(string $capability, callable $check): void
{
    try {
        $note = $check();
        echo "ok $capability", is_string($note) ? ": $note" : '', "\n";
    } catch (Defect $defect) {
        echo "defect $capability: ", $defect->getMessage(), "\n";
    } catch (Throwable $error) {
        echo "fail $capability: ", preg_replace('/\s+/', ' ', $error->getMessage()), "\n";
    }
}

function same(mixed $got, mixed $wanted): void
{
    $shown = fn (mixed $value) => substr(var_export($value, true), 0, 200);
    if ($got !== $wanted) {
        throw new Exception("got {$shown($got)}, wanted {$shown($wanted)}");
    }
}

function echoes(mixed ...$values): void
{
    foreach ($values as $value) {
        same(call('echo', $value), $value);
    }
}

function fault_of(string $method, mixed ...$params): array
{
    $result = call($method, ...$params);
    if (!is_array($result) || !xmlrpc_is_fault($result)) {
        throw new Exception('no fault, but ' . var_export($result, true));
    }
    return $result;
}

// Returns a value of a type that PHP lacks, which the extension represents as an object.
function typed(string $value, string $type): object
{
    xmlrpc_set_type($value, $type);
    return $value;
}

check('int', function () {
    echoes(0, 1, 2 ** 31 - 1);
    same(call('add', 3, 5), 8);
});
check('negative', fn () => echoes(-1, -(2 ** 31)));
check('boolean', fn () => echoes(true, false));
check('string', fn () => echoes('text', '12'));
check('entities', fn () => echoes('<&>"\' &amp; ]]>'));
check('unicode', fn () => echoes("\u{e9}\u{4e2d}\u{1f600}"));
check('empty string', fn () => echoes(''));
check('whitespace', function () {
    echoes(" \t two  blanks\nlines\n ", '   ');
    $value = "carriage\rreturn\r\n";
    $got = call('echo', $value);
    if ($got === "carriage\nreturn\n") {
        throw new Defect('a carriage return is written raw, which XML reads as a newline');
    }
    same($got, $value);
});
check('double', function () {
    echoes(0.5, -2.25, 123456789.125);
    if (call('echo', M_PI) === 3.141593 && call('echo', 1e-7) === 0.0) {
        throw new Defect('doubles are written with six decimals (`%f`): pi as 3.141593, 1e-7 as 0.000000');
    }
    echoes(M_PI, 1e-7);
});
check('date', function () {
    foreach (['19980717T14:08:55', '20260228T00:00:00'] as $date) {
        $got = call('echo', typed($date, 'datetime'));
        same([$got->xmlrpc_type, $got->scalar], ['datetime', $date]);
    }
});
check('base64', function () {
    foreach ([implode('', array_map('chr', range(0, 255))), ''] as $data) {
        $got = call('echo', typed($data, 'base64'));
        same([$got->xmlrpc_type, $got->scalar], ['base64', $data]);
    }
});
check('array', fn () => echoes([1, 'two', [2.5, [true]]]));
check('empty array', fn () => echoes([], [[]]));
check('struct', fn () => echoes(['a' => 1, "b<&> \u{e9}" => ['c' => ['', 1]]]));
check('empty struct', function () {
    $written = request('echo', [new stdClass()]);
    if (str_contains($written, '<array>') && !str_contains($written, '<struct>')) {
        throw new Defect('an object without members is encoded as an empty array');
    }
    echoes(new stdClass());
});
check('nil', function () {
    if (call('echo', null) === '') {
        throw new Defect('null is encoded as an empty string; nil is decoded as null');
    }
    echoes(null, [null, 1]);
});
check('i8', function () {
    if (str_contains(request('echo', [2 ** 31]), '<int>-2147483648</int>') && call('add', 2 ** 31 - 1, 1) === null) {
        throw new Defect('integers are truncated to 32 bits when encoded, and an i8 is decoded as null');
    }
    echoes(2 ** 31);
});
check('fault', function () {
    $text = "sch\u{f6}n <&> \u{1f600}";
    same(fault_of('fail', 4711, $text), ['faultCode' => 4711, 'faultString' => $text]);
});
check('unknown method', fn () => same(fault_of('no.such.method')['faultCode'], -32601));
check('wrong params', fn () => same(fault_of('add', 1)['faultCode'], -32602));
check('listMethods', fn () => same(array_diff(['add', 'echo', 'system.multicall'], call('system.listMethods')), []));
check('methodHelp', fn () => same(call('system.methodHelp', 'add'), 'Adds two integers.'));
check('methodSignature', fn () => same(call('system.methodSignature', 'add'), [['int', 'int', 'int']]));
check('multicall', function () {
    $results = call('system.multicall', [
        ['methodName' => 'add', 'params' => [1, 2]],
        ['methodName' => 'fail', 'params' => [7, 'no']],
        ['methodName' => 'concat', 'params' => ['a', 'b']],
    ]);
    same($results, [[3], ['faultCode' => 7, 'faultString' => 'no'], ['ab']]);
});
check('large document', fn () => echoes(str_repeat("large \u{e9} ", 2 ** 20 / 8), range(0, 9999)));
check('1,000 calls', function () {
    $connection = call('interop.connection');
    for ($number = 0; $number < 1000; $number++) {
        same(call('add', $number, 1), $number + 1);
    }
    same(call('interop.connection'), $connection);
});
check('gzip', function () {
    if (!str_contains(call('interop.header', 'accept-encoding'), 'gzip')) {
        throw new Exception('curl does not ask for gzip');
    }
    echoes(str_repeat('zip me ', 5000));
    return 'replies only, by curl: the extension encodes and decodes documents, and has no HTTP';
});
check('error', function () {
    global $url;
    foreach (['http://127.0.0.1:1/RPC2', str_replace('RPC2', 'nowhere', $url)] as $nowhere) {
        try {
            $result = call_at($nowhere, 'add', 1, 2);
        } catch (RuntimeException) {
            continue;
        }
        throw new Exception("$nowhere: " . var_export($result, true));
    }
});
echo "end\n";
