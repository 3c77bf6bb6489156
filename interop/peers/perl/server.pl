# A server based on RPC::XML, for our client. It prints its URL and serves until it is killed.
use strict;
use warnings;

use HTTP::Daemon;
use RPC::XML;
use RPC::XML::Server;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

# Settings of a Perl program that uses Unicode and nil.
$RPC::XML::ENCODING  = 'utf-8';
$RPC::XML::ALLOW_NIL = 1;
$SIG{CHLD} = 'IGNORE';
$| = 1;

my $server = RPC::XML::Server->new(no_http => 1);
my %methods = (
    add    => [ ['int int int'], sub { $_[1] + $_[2] }, 'Adds two integers.' ],
    concat => [ ['string string string'], sub { RPC::XML::string->new($_[1] . $_[2]) } ],
    echo => [
        [ map { "$_ $_" } qw(int i8 boolean string double dateTime.iso8601 base64 array struct nil) ],
        sub { $_[1] }
    ],
    fail => [ ['int int string'], sub { RPC::XML::fault->new($_[1], $_[2]) } ],
);
for my $name (keys %methods) {
    my ($signature, $code, $help) = @{ $methods{$name} };
    my $added = $server->add_method(
        { name => $name, signature => $signature, code => $code, help => $help // '' });
    die $added if !ref $added;
}

# A kept connection would block all others, so each has a process of its own, as with Net::Server's Fork.
my $daemon = HTTP::Daemon->new(LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "no socket: $@";
print $daemon->url, "RPC2\n";
while (1) {
    my $connection = $daemon->accept or next;
    my $child = fork // die "no process: $!";
    if (!$child) {
        # HTTP::Daemon sends head and body separately, and without TCP_NODELAY the body would wait for the
        # acknowledgement of the head.
        $connection->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
        $connection->timeout(60);
        $server->process_request($connection);
        exit;
    }
}
