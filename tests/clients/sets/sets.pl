# What Perl makes of sets of semaphores: its functions, and IPC::Semaphore over them.
use strict;
use warnings;
use IPC::SysV qw(IPC_PRIVATE IPC_CREAT IPC_EXCL IPC_NOWAIT IPC_RMID IPC_STAT SEM_UNDO SETVAL GETVAL
	GETALL SETALL GETNCNT GETZCNT GETPID S_IRUSR S_IWUSR ftok);
use IPC::Semaphore;
use File::Temp qw(tempfile);
use FindBin;
use lib "$FindBin::Bin/../sysv";
use Common;

sub new_set {
	my ($members) = @_;
	return IPC::Semaphore->new(IPC_PRIVATE, $members, S_IRUSR | S_IWUSR | IPC_CREAT) // die "semget: $!";
}

my %tests = (
	values => sub {
		my $set = new_set(4);
		my $holds = "@{[$set->getall]}" eq '0 0 0 0' && $set->setall(1, 2, 3, 4) && $set->setval(2, 9)
			&& "@{[$set->getall]}" eq '1 2 9 4' && $set->getval(3) == 4;
		return $set->remove && $holds;
	},
	status => sub {
		my $set = new_set(3);
		my $status = $set->stat;
		my $holds = $status->nsems == 3 && ($status->mode & 0777) == 0600 && $status->uid == $>
			&& $status->otime == 0 && $status->ctime > 0;
		$set->set(mode => 0640);
		$holds &&= ($set->stat->mode & 0777) == 0640;
		$set->op(0, 1, 0);
		$holds &&= $set->stat->otime > 0;
		return $set->remove && $holds;
	},
	arrays => sub {
		my $set = new_set(2);
		$set->setall(1, 0);
		my $refused = !$set->op(0, -1, 0, 1, -1, IPC_NOWAIT) && $!{EAGAIN};
		my $untouched = "@{[$set->getall]}" eq '1 0';
		my $done = $set->op(1, 1, 0, 0, -1, 0, 1, -1, IPC_NOWAIT);
		my $holds = $refused && $untouched && $done && "@{[$set->getall]}" eq '0 0';
		return $set->remove && $holds;
	},
	waiters => sub {
		my $set = new_set(2);
		$set->setval(1, 1);
		my $taker = child(sub { $set->op(0, -1, 0) });
		my $zero = child(sub { $set->op(1, 0, 0) });
		my $holds = soon(sub { $set->getncnt(0) == 1 && $set->getzcnt(1) == 1 });
		$set->op(0, 1, 0, 1, -1, 0);
		$holds &&= ended_well($taker) && ended_well($zero) && $set->getncnt(0) == 0
			&& $set->getpid(0) == $taker && $set->getpid(1) == $zero;
		return $set->remove && $holds;
	},
	undo => sub {
		my $set = new_set(1);
		$set->setval(0, 1);
		my $holder = child(sub { $set->op(0, -1, SEM_UNDO); sleep 100 });
		my $holds = soon(sub { $set->getval(0) == 0 });
		my $next = child(sub { $set->op(0, -1, SEM_UNDO) });
		$holds &&= soon(sub { $set->getncnt(0) == 1 });
		kill KILL => $holder;
		waitpid $holder, 0;
		$holds &&= ended_well($next) && $set->getval(0) == 1;
		return $set->remove && $holds;
	},
	removal => sub {
		my $set = new_set(1);
		my $sleeper = child(sub { !$set->op(0, -1, 0) && $!{EIDRM} });
		my $holds = soon(sub { $set->getncnt(0) == 1 });
		$holds &&= $set->remove && ended_well($sleeper);
		return $holds && !defined $set->getval(0) && $!{EINVAL};
	},
	handler => sub {
		my $set = new_set(1);
		my $sleeper = child(sub {
			local $SIG{USR1} = sub { };
			!$set->op(0, -1, 0) && $!{EINTR};
		});
		my $holds = soon(sub { $set->getncnt(0) == 1 });
		kill USR1 => $sleeper;
		$holds &&= ended_well($sleeper) && $set->getncnt(0) == 0;
		return $set->remove && $holds;
	},
	keys => sub {
		my (undef, $file) = tempfile(UNLINK => 1);
		my $key = ftok($file, 1);
		my $made = semget($key, 2, IPC_CREAT | IPC_EXCL | 0600);
		my $again = !defined semget($key, 2, IPC_CREAT | IPC_EXCL | 0600) && $!{EEXIST};
		my $found = semget($key, 2, 0600);
		my $larger = !defined semget($key, 3, 0600) && $!{EINVAL};
		my $holds = defined $made && $again && $found == $made && $larger;
		return semctl($made, 0, IPC_RMID, 0) && $holds && !defined semget($key, 2, 0600) && $!{ENOENT};
	},
	functions => sub {
		my $set = semget(IPC_PRIVATE, 3, 0600);
		my $values = '';
		my $holds = semctl($set, 0, SETALL, pack('s!*', 5, 6, 7)) && semop($set, pack('s!3', 1, -2, 0))
			&& semctl($set, 0, GETALL, $values) && "@{[unpack 's!*', $values]}" eq '5 4 7'
			&& semctl($set, 2, GETVAL, 0) == 7 && semctl($set, 1, GETPID, 0) == $$
			&& semctl($set, 0, SETVAL, 0) eq '0 but true' && semctl($set, 0, GETVAL, 0) eq '0 but true';
		return semctl($set, 0, IPC_RMID, 0) && $holds;
	},
);

report($_, $tests{$_}->()) for sort keys %tests;
