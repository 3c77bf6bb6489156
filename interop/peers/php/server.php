<?php
// A server based on the extension xmlrpc behind PHP's own web server, for our client. From the command line
// it starts that web server with itself as the page, prints its URL, and serves until it is killed.
declare(strict_types=1);

if (PHP_SAPI === 'cli') {
    // The web server reports its port only in its log.
    $log = [2 => ['pipe', 'w']];
    $process = proc_open([PHP_BINARY, '-S', '127.0.0.1:0', __FILE__], $log, $pipes);
    while (($line = fgets($pipes[2])) !== false) {
        if (preg_match('~\((http://127\.0\.0\.1:\d+)\) started~', $line, $found)) {
            echo "$found[1]/RPC2\n";
        }
    }
    exit(proc_close($process));
}

$server = xmlrpc_server_create();
xmlrpc_server_register_method($server, 'add', fn (string $method, array $params) => $params[0] + $params[1]);
xmlrpc_server_register_method($server, 'concat', fn (string $method, array $params) => $params[0] . $params[1]);
xmlrpc_server_register_method($server, 'echo', fn (string $method, array $params) => $params[0]);
xmlrpc_server_register_method(
    $server,
    'fail',
    fn (string $method, array $params) => ['faultCode' => $params[0], 'faultString' => $params[1]]
);
xmlrpc_server_add_introspection_data($server, [
    'methodList' => [[
        'name' => 'add',
        'purpose' => 'Adds two integers.',
        'signatures' => [['params' => [['type' => 'int'], ['type' => 'int']], 'returns' => [['type' => 'int']]]],
    ]],
]);
header('Content-Type: text/xml; charset=utf-8');
// Options of a program that uses UTF-8: the default is ISO 8859-1.
$options = ['encoding' => 'UTF-8', 'escaping' => ['markup']];
echo xmlrpc_server_call_method($server, file_get_contents('php://input'), null, $options);
