# What the tests of Perl's System V functions share: a line for each test, children, conditions that come true.
package Common;
use strict;
use warnings;
use Exporter qw(import);
use POSIX ();
use Time::HiRes qw(usleep);

our @EXPORT = qw(report child ended_well soon sleeps);

$| = 1;

sub report {
	my ($name, $holds) = @_;
	print $holds ? 'passed' : 'failure', " $name\n";
}

# Runs the code in a child, which ends without further ado.
sub child {
	my ($body) = @_;
	my $pid = fork // die "fork: $!";
	POSIX::_exit($body->() ? 0 : 1) if $pid == 0;
	return $pid;
}

sub ended_well {
	my ($pid) = @_;
	waitpid $pid, 0;
	return $? == 0;
}

# Whether it becomes true within ten seconds.
sub soon {
	my ($condition) = @_;
	for (1 .. 10000) {
		return 1 if $condition->();
		usleep 1000;
	}
	return 0;
}

# Whether the process sleeps in the kernel, as it does when it waits for another process.
sub sleeps {
	my ($pid) = @_;
	open my $file, '<', "/proc/$pid/stat" or return 0;
	return <$file> =~ /\) S /;
}

1;
