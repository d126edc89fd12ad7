<?php
// What the tests of PHP's System V functions share: a line for each test, children, conditions that come true.

set_error_handler(fn() => true);

function report(string $name, bool $holds): void
{
	echo $holds ? 'passed' : 'failure', " $name\n";
}

/** Runs the function in a child, which ends at once with its result as status. */
function child(callable $body): int
{
	$pid = pcntl_fork();
	if ($pid === 0) {
		$status = $body();
		exit($status ? 0 : 1);
	}
	return $pid;
}

function ended_well(int $pid): bool
{
	pcntl_waitpid($pid, $status);
	return pcntl_wifexited($status) && pcntl_wexitstatus($status) === 0;
}

/** Whether it becomes true within ten seconds. */
function soon(callable $condition): bool
{
	for ($i = 0; $i < 10000; $i++) {
		if ($condition()) {
			return true;
		}
		usleep(1000);
	}
	return false;
}

/** Whether the process sleeps in the kernel, as it does when it waits for another process. */
function sleeps(int $pid): bool
{
	$after_name = strrchr(file_get_contents("/proc/$pid/stat"), ')');
	return $after_name[2] === 'S';
}

/** A key that no other run uses, and a file with it. */
function own(string $what): array
{
	$file = tempnam(sys_get_temp_dir(), "sysv-$what");
	return [ftok($file, 'S'), $file];
}
