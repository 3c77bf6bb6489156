# Checks our server with RPC::XML's client, and prints the outcomes. Usage: client.pl URL
use strict;
use warnings;
use utf8;

use RPC::XML;
use RPC::XML::Client;

# Settings of a Perl program that uses Unicode and nil.
$RPC::XML::ENCODING  = 'utf-8';
$RPC::XML::ALLOW_NIL = 1;
$| = 1;
binmode STDOUT, ':encoding(UTF-8)';

my ($url) = @ARGV;
my $client = RPC::XML::Client->new($url, useragent => [ keep_alive => 1, no_proxy => ['127.0.0.1'] ]);

# Runs a check and prints its outcome. A check dies to fail, dies with a reference to a text for a defect of
# RPC::XML, and may return a note.
sub check {
    my ($capability, $check) = @_;
    my $note  = eval { $check->() };
    my $error = $@;
    if (ref $error) { print "defect $capability: $$error\n" }
    elsif ($error)  { print "fail $capability: ", $error =~ s/\s+/ /gr, "\n" }
    else            { print "ok $capability", (defined $note ? ": $note" : ''), "\n" }
    return;
}

# Makes a call, whose result is an object with its type. Errors of the transport are not objects.
sub call {
    my $result = $client->send_request(@_);
    die "no reply: $result\n" if !ref $result;
    return $result;
}

# Returns a value with its types as text.
sub shown {
    my ($value) = @_;
    my $type = $value->type;
    return '[' . join(', ', map { shown($_) } @$value) . ']' if $type eq 'array';
    return '{' . join(', ', map { "$_: " . shown($value->{$_}) } sort keys %$value) . '}'
        if $type eq 'struct';
    my $text = $value->value;
    $text = $text + 0 if $type eq 'double';
    return "$type(" . ($text // '') . ')';
}

sub same {
    my ($got, $wanted) = @_;
    return undef if $got eq $wanted;
    die 'got ', substr($got, 0, 200), ', wanted ', substr($wanted, 0, 200), "\n";
}

sub echoes {
    for my $value (@_) { same(shown(call('echo', $value)), shown($value)) }
    return undef;
}

sub fault_of {
    my $result = call(@_);
    die 'no fault, but ', shown($result), "\n" if !$result->is_fault;
    return $result;
}

sub int_  { RPC::XML::int->new(@_) }
sub text  { RPC::XML::string->new(@_) }
sub array { RPC::XML::array->new(from => [@_]) }

sub echoes_texts {
    return echoes(map { text($_) } @_);
}

check 'int', sub {
    echoes(map { int_($_) } 0, 1, 2147483647);
    same(shown(call('add', 3, 5)), 'int(8)');
};
check 'negative', sub { echoes(int_(-1), int_(-2147483648)) };
check 'boolean', sub { echoes(map { RPC::XML::boolean->new($_) } 'true', 'false') };
check 'string', sub { echoes_texts('text', '12') };
check 'entities', sub { echoes_texts(q{<&>"' &amp; ]]>}) };
check 'unicode', sub { echoes_texts("\x{e9}\x{4e2d}\x{1f600}") };
check 'empty string', sub { echoes_texts('') };
check 'whitespace', sub { echoes_texts(" \t two  blanks\nlines\n ", '   ', "carriage\rreturn\r\n") };
check 'double', sub {
    echoes(map { RPC::XML::double->new($_) } 0.5, -2.25, 123456789.125, 3.141592653589793, 1e-7);
};
check 'date', sub {
    echoes(map { RPC::XML::datetime_iso8601->new($_) } '19980717T14:08:55', '20260228T00:00:00');
};
check 'base64', sub {
    echoes(map { RPC::XML::base64->new($_) } join('', map { chr } 0 .. 255), '');
};
check 'array', sub {
    my $inner = array(RPC::XML::double->new(2.5), array(RPC::XML::boolean->new(1)));
    echoes(array(int_(1), text('two'), $inner));
};
check 'empty array', sub { echoes(array(), array(array())) };
check 'struct', sub {
    my $inner = RPC::XML::struct->new(c => array(text(''), int_(1)));
    echoes(RPC::XML::struct->new(a => int_(1), "b<&> \x{e9}" => $inner));
};
check 'empty struct', sub { echoes(RPC::XML::struct->new(), RPC::XML::struct->new(inner => RPC::XML::struct->new())) };
check 'nil', sub { echoes(RPC::XML::nil->new(), array(RPC::XML::nil->new(), int_(1))) };
check 'i8', sub {
    echoes(map { RPC::XML::i8->new($_) } 2147483648, 9007199254740992, 9223372036854775807);
    same(shown(call('add', 2147483647, 1)), 'i8(2147483648)');
};
check 'fault', sub {
    my $text = "sch\x{f6}n <&> \x{1f600}";
    my $fault = fault_of('fail', 4711, text($text));
    same($fault->code . $fault->string, "4711$text");
};
check 'unknown method', sub { same(fault_of('no.such.method')->code, -32601) };
check 'wrong params', sub { same(fault_of('add', 1)->code, -32602) };
check 'listMethods', sub {
    my %methods = map { $_ => 1 } @{ call('system.listMethods')->value };
    $methods{$_} || die "$_ is missing\n" for qw(add echo system.multicall);
    return undef;
};
check 'methodHelp', sub { same(call('system.methodHelp', 'add')->value, 'Adds two integers.') };
check 'methodSignature', sub {
    same(shown(call('system.methodSignature', 'add')), '[[string(int), string(int), string(int)]]');
};
check 'multicall', sub {
    my $results = call(
        'system.multicall',
        [   { methodName => 'add',    params => [ 1, 2 ] },
            { methodName => 'fail',   params => [ 7, 'no' ] },
            { methodName => 'concat', params => [ 'a', 'b' ] },
        ]
    );
    same(shown($results), '[[int(3)], {faultCode: int(7), faultString: string(no)}, [string(ab)]]');
};
check 'large document', sub {
    echoes_texts("large \x{e9} " x 131072);
    echoes(array(map { int_($_) } 0 .. 9999));
};
check '1,000 calls', sub {
    my $connection = call('interop.connection')->value;
    for my $number (1 .. 1000) { same(call('add', $number, 1)->value, $number + 1) }
    return same(call('interop.connection')->value, $connection);
};
check 'error', sub {
    for my $nowhere ('http://127.0.0.1:1/RPC2', $url =~ s/RPC2/nowhere/r) {
        my $result = RPC::XML::Client->new($nowhere)->send_request('add', 1, 2);
        die "$nowhere: ", shown($result), "\n" if ref $result;
    }
    return undef;
};
print "end\n";
