# What Perl makes of System V queues: its functions, and IPC::Msg over them.
use strict;
use warnings;
use IPC::SysV qw(IPC_PRIVATE IPC_CREAT IPC_EXCL IPC_NOWAIT IPC_RMID IPC_STAT MSG_NOERROR S_IRUSR S_IWUSR ftok);
use IPC::Msg;
use File::Temp qw(tempfile);
use FindBin;
use lib "$FindBin::Bin/../sysv";
use Common;

sub new_queue {
	return IPC::Msg->new(IPC_PRIVATE, S_IRUSR | S_IWUSR | IPC_CREAT) // die "msgget: $!";
}

# Whether the next message that is asked for is this one.
sub gets {
	my ($queue, $selector, $type, $text) = @_;
	my $got = $queue->rcv(my $buffer, 1024, $selector, IPC_NOWAIT);
	return defined $got && $got == $type && $buffer eq $text;
}

my %tests = (
	order => sub {
		my $queue = new_queue();
		$queue->snd($_, "number $_") for 3, 1, 2;
		my $holds = gets($queue, 0, 3, 'number 3') && gets($queue, 2, 2, 'number 2') && gets($queue, 0, 1, 'number 1')
			&& !defined $queue->rcv(my $none, 10, 0, IPC_NOWAIT) && $!{ENOMSG};
		return $queue->remove && $holds;
	},
	lowest => sub {
		my $queue = new_queue();
		$queue->snd($_, "number $_") for 4, 2, 3;
		my $holds = gets($queue, -3, 2, 'number 2') && gets($queue, -3, 3, 'number 3')
			&& !defined $queue->rcv(my $none, 10, -3, IPC_NOWAIT) && gets($queue, -9, 4, 'number 4');
		return $queue->remove && $holds;
	},
	bytes => sub {
		my $queue = new_queue();
		my $all = join '', map { chr } 0 .. 255;
		my $holds = 1;
		for my $length (0 .. 256, 4000, 8192) {
			my $body = substr $all x 32, 0, $length;
			$queue->snd($length + 1, $body);
			my $got = $queue->rcv(my $buffer, 8192, $length + 1);
			$holds &&= $got == $length + 1 && $buffer eq $body;
		}
		return $queue->remove && $holds;
	},
	status => sub {
		my $queue = new_queue();
		my $before = $queue->stat;
		my $holds = $before->qnum == 0 && ($before->mode & 0777) == 0600 && $before->uid == $> && $before->stime == 0;
		$queue->snd(1, 'x' x 10);
		$queue->snd(1, 'y' x 10);
		gets($queue, 0, 1, 'x' x 10);
		my $after = $queue->stat;
		$holds &&= $after->qnum == 1 && $after->lspid == $$ && $after->lrpid == $$ && $after->stime > 0 && $after->rtime > 0;
		$queue->set(mode => 0640, qbytes => 100);
		$holds &&= ($queue->stat->mode & 0777) == 0640 && $queue->stat->qbytes == 100;
		return $queue->remove && $holds;
	},
	room => sub {
		my $queue = new_queue();
		$queue->set(qbytes => 100);
		$queue->snd(1, 'x' x 60);
		my $full = !$queue->snd(1, 'x' x 60, IPC_NOWAIT) && $!{EAGAIN};
		my $sender = child(sub { $queue->snd(2, 'y' x 60) });
		my $holds = soon(sub { sleeps($sender) });
		$holds &&= gets($queue, 1, 1, 'x' x 60) && ended_well($sender) && gets($queue, 0, 2, 'y' x 60);
		return $queue->remove && $full && $holds;
	},
	truncation => sub {
		my $queue = new_queue();
		$queue->snd(1, 'longer than four');
		my $refused = !defined $queue->rcv(my $small, 4, 0, IPC_NOWAIT) && $!{E2BIG};
		my $got = $queue->rcv(my $cut, 4, 0, IPC_NOWAIT | MSG_NOERROR);
		my $holds = $got == 1 && $cut eq 'long' && $queue->stat->qnum == 0;
		return $queue->remove && $refused && $holds;
	},
	children => sub {
		my $queue = new_queue();
		my @children = map {
			my $number = $_;
			child(sub {
				for my $i (1 .. 100) {
					$queue->snd(1, "$$ $i") or return 0;
					$queue->rcv(my $answer, 100, $$) or return 0;
					return 0 if $answer ne $i * 2;
				}
				return 1;
			});
		} 1 .. 4;
		for (1 .. 400) {
			$queue->rcv(my $question, 100, 1);
			my ($pid, $i) = split ' ', $question;
			$queue->snd($pid, $i * 2);
		}
		my $holds = 1;
		$holds &= ended_well($_) for @children;
		$holds &&= $queue->stat->qnum == 0;
		return $queue->remove && $holds;
	},
	removal => sub {
		my $queue = new_queue();
		my $sleeper = child(sub { !defined $queue->rcv(my $none, 10, 0) && $!{EIDRM} });
		my $holds = soon(sub { sleeps($sleeper) });
		$holds &&= $queue->remove && ended_well($sleeper);
		return $holds && !$queue->snd(1, 'x') && $!{EINVAL};
	},
	handler => sub {
		my $queue = new_queue();
		my $sleeper = child(sub {
			local $SIG{USR1} = sub { };
			!defined $queue->rcv(my $none, 10, 0) && $!{EINTR};
		});
		my $holds = soon(sub { sleeps($sleeper) });
		kill USR1 => $sleeper;
		$holds &&= ended_well($sleeper);
		return $queue->remove && $holds;
	},
	keys => sub {
		my (undef, $file) = tempfile(UNLINK => 1);
		my $key = ftok($file, 1);
		my $made = msgget($key, IPC_CREAT | IPC_EXCL | 0600);
		my $again = !defined msgget($key, IPC_CREAT | IPC_EXCL | 0600) && $!{EEXIST};
		my $found = msgget($key, 0600);
		my $holds = defined $made && $again && $found == $made;
		return msgctl($made, IPC_RMID, 0) && $holds && !defined msgget($key, 0600) && $!{ENOENT};
	},
	functions => sub {
		my $queue = msgget(IPC_PRIVATE, 0600);
		my $status = '';
		my $holds = msgsnd($queue, pack('l! a*', 7, 'by hand'), IPC_NOWAIT) && msgctl($queue, IPC_STAT, $status);
		my $received = msgrcv($queue, my $buffer, 100, 7, IPC_NOWAIT);
		my ($type, $text) = unpack 'l! a*', $buffer;
		$holds &&= $received && $type == 7 && $text eq 'by hand' && length $status == 120;
		return msgctl($queue, IPC_RMID, 0) && $holds;
	},
);

report($_, $tests{$_}->()) for sort keys %tests;
