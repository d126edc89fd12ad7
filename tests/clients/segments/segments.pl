# What Perl makes of System V shared memory: its functions, and IPC::SharedMem beside them.
use strict;
use warnings;
use IPC::SysV qw(IPC_PRIVATE IPC_CREAT IPC_EXCL IPC_RMID IPC_STAT SHM_RDONLY S_IRUSR S_IWUSR ftok
	shmat shmdt memread);
use IPC::SharedMem;
use File::Temp qw(tempfile);
use FindBin;
use lib "$FindBin::Bin/../sysv";
use Common;

sub new_segment {
	my ($size) = @_;
	return IPC::SharedMem->new(IPC_PRIVATE, $size // 8192, S_IRUSR | S_IWUSR | IPC_CREAT)
		// die "shmget: $!";
}

sub attached { $_[0]->stat->nattch }

my %tests = (
	zeroes => sub {
		my $segment = new_segment(5000);
		my $holds = $segment->read(0, 5000) eq "\0" x 5000 && $segment->stat->segsz == 5000;
		return $segment->remove && $holds;
	},
	bytes => sub {
		my $segment = new_segment(70000);
		my $all = join '', map { chr } 0 .. 255;
		my $holds = 1;
		for my $at (0, 1, 4095, 4096, 65000) {
			$holds &&= $segment->write($all, $at, 256) && $segment->read($at, 256) eq $all;
		}
		return $segment->remove && $holds;
	},
	padding => sub {
		my $segment = new_segment();
		$segment->write('x' x 20, 0, 20);
		# What is shorter is filled up with zeroes.
		$segment->write('short', 0, 10);
		my $holds = $segment->read(0, 20) eq 'short' . "\0" x 5 . 'x' x 10;
		return $segment->remove && $holds;
	},
	bounds => sub {
		my $segment = new_segment(100);
		my $holds = !shmread($segment->id, my $buffer, 50, 51) && $!{EFAULT};
		$holds &&= !shmwrite($segment->id, 'x', -1, 1) && $!{EFAULT};
		$holds &&= shmread($segment->id, $buffer, 50, 50);
		return $segment->remove && $holds;
	},
	attachments => sub {
		my $segment = new_segment();
		my $none = attached($segment) == 0;
		$segment->attach;
		my $one = attached($segment) == 1;
		my $again = shmat($segment->id, undef, SHM_RDONLY);
		my $two = attached($segment) == 2;
		$segment->write('by one', 0, 6);
		my $holds = memread($again, my $buffer, 0, 6);
		$holds &&= $buffer eq 'by one';
		$holds &&= defined shmdt($again) && attached($segment) == 1;
		$segment->detach;
		$holds &&= attached($segment) == 0;
		return $segment->remove && $none && $one && $two && $holds;
	},
	children => sub {
		my $segment = new_segment();
		$segment->attach;
		my @children = map {
			my $number = $_;
			child(sub {
				$segment->write("child $number", 100 * $number, 10);
				return soon(sub { $segment->read(0, 2) eq 'go' });
			});
		} 1 .. 4;
		my $holds = soon(sub { attached($segment) == 5 });
		for my $number (1 .. 4) {
			$holds &&= soon(sub { $segment->read(100 * $number, 7) eq "child $number" });
		}
		$segment->write('go', 0, 2);
		$holds &= ended_well($_) for @children;
		$holds &&= attached($segment) == 1;
		$segment->detach;
		return $segment->remove && $holds;
	},
	kill => sub {
		my $segment = new_segment();
		my $child = child(sub { $segment->attach; $segment->write('here', 0, 4); sleep 100 });
		my $holds = soon(sub { $segment->read(0, 4) eq 'here' }) && attached($segment) == 1;
		kill KILL => $child;
		waitpid $child, 0;
		$holds &&= attached($segment) == 0 && $segment->read(0, 4) eq 'here';
		return $segment->remove && $holds;
	},
	removal => sub {
		my $segment = new_segment();
		$segment->attach;
		$segment->write('still here', 0, 10);
		my $holds = !$segment->is_removed && $segment->remove && $segment->is_removed;
		$holds &&= $segment->read(0, 10) eq 'still here' && $segment->detach;
		return $holds && !shmread($segment->id, my $buffer, 0, 1) && $!{EINVAL};
	},
	status => sub {
		my $segment = new_segment(100);
		my $before = $segment->stat;
		my $holds = ($before->mode & 0777) == 0600 && $before->uid == $> && $before->cpid == $$
			&& $before->lpid == 0 && $before->atime == 0;
		$segment->write('x', 0, 1);
		my $after = $segment->stat;
		$holds &&= $after->lpid == $$ && $after->atime > 0 && $after->dtime > 0;
		my $status = '';
		$holds &&= shmctl($segment->id, IPC_STAT, $status) && length $status == 112;
		return $segment->remove && $holds;
	},
	keys => sub {
		my (undef, $file) = tempfile(UNLINK => 1);
		my $key = ftok($file, 1);
		my $made = shmget($key, 100, IPC_CREAT | IPC_EXCL | 0600);
		my $again = !defined shmget($key, 100, IPC_CREAT | IPC_EXCL | 0600) && $!{EEXIST};
		my $larger = !defined shmget($key, 101, 0600) && $!{EINVAL};
		my $found = IPC::SharedMem->new($key, 100, 0600);
		shmwrite($made, 'by key', 0, 6);
		my $holds = defined $made && $again && $larger && $found->id == $made;
		$holds &&= $found->read(0, 6) eq 'by key';
		return shmctl($made, IPC_RMID, 0) && $holds && !defined shmget($key, 100, 0600) && $!{ENOENT};
	},
);

report($_, $tests{$_}->()) for sort keys %tests;
