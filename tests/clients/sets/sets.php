<?php
// What the semaphores of PHP promise: who acquires, who waits, what the end of a process gives back.

require __DIR__ . '/../sysv/common.php';

function counts_under_a_lock(): bool
{
	[$key, $file] = own('count');
	file_put_contents($file, '0');
	$children = [];
	for ($i = 0; $i < 4; $i++) {
		$children[] = child(function () use ($key, $file) {
			$lock = sem_get($key);
			for ($n = 0; $n < 200; $n++) {
				sem_acquire($lock);
				file_put_contents($file, (int)file_get_contents($file) + 1);
				sem_release($lock);
			}
			return true;
		});
	}
	$well = array_map('ended_well', $children);
	$holds = !in_array(false, $well, true) && file_get_contents($file) === '800';
	unlink($file);
	return sem_remove(sem_get($key)) && $holds;
}

function is_free_after_a_kill(): bool
{
	[$key, $file] = own('kill');
	$lock = sem_get($key);
	$holder = child(function () use ($key, $file) {
		$held = sem_get($key);
		sem_acquire($held);
		file_put_contents($file, 'held');
		sleep(100);
	});
	$held = soon(fn() => file_get_contents($file) === 'held') && !sem_acquire($lock, true);
	$waiting = child(fn() => sem_acquire(sem_get($key)));
	soon(fn() => sleeps($waiting));
	posix_kill($holder, SIGKILL);
	pcntl_waitpid($holder, $status);
	unlink($file);
	$holds = $held && ended_well($waiting) && sem_acquire($lock, true);
	return sem_release($lock) && sem_remove($lock) && $holds;
}

function is_free_after_an_exit(): bool
{
	[$key, $file] = own('exit');
	unlink($file);
	$lock = sem_get($key);
	$taken = ended_well(child(function () use ($key) {
		$held = sem_get($key);
		return sem_acquire($held);
	}));
	$holds = $taken && sem_acquire($lock, true);
	return sem_remove($lock) && $holds;
}

function lets_three_in(): bool
{
	[$key, $file] = own('three');
	$lock = sem_get($key, 3);
	$children = [];
	for ($i = 0; $i < 3; $i++) {
		$children[] = child(function () use ($key, $file) {
			$lock = sem_get($key, 3);
			$holds = sem_acquire($lock, true);
			file_put_contents($file, '+', FILE_APPEND);
			return soon(fn() => file_get_contents($file) === 'go') && $holds;
		});
	}
	$all = soon(fn() => file_get_contents($file) === '+++');
	$fourth = sem_acquire($lock, true);
	file_put_contents($file, 'go');
	$well = array_map('ended_well', $children);
	unlink($file);
	$holds = $all && !$fourth && !in_array(false, $well, true) && sem_acquire($lock, true);
	return sem_remove($lock) && $holds;
}

function is_gone_after_removal(): bool
{
	[$key, $file] = own('remove');
	unlink($file);
	$lock = sem_get($key);
	sem_acquire($lock);
	$waiting = child(fn() => sem_acquire(sem_get($key)) === false);
	soon(fn() => sleeps($waiting));
	$removed = sem_remove($lock);
	return ended_well($waiting) && $removed && !sem_remove($lock) && !sem_acquire($lock, true);
}

function is_made_by_many_at_once(): bool
{
	[$key, $file] = own('many');
	$children = [];
	for ($i = 0; $i < 8; $i++) {
		$children[] = child(function () use ($key, $file) {
			soon(fn() => file_get_contents($file) === 'go');
			$lock = sem_get($key, 1);
			return sem_acquire($lock) && sem_release($lock);
		});
	}
	file_put_contents($file, 'go');
	$well = array_map('ended_well', $children);
	unlink($file);
	$lock = sem_get($key, 1);
	$holds = !in_array(false, $well, true) && sem_acquire($lock, true) && !sem_acquire($lock, true);
	return sem_remove($lock) && $holds;
}

foreach (['counts_under_a_lock', 'is_free_after_a_kill', 'is_free_after_an_exit', 'lets_three_in',
	'is_gone_after_removal', 'is_made_by_many_at_once'] as $test) {
	report($test, $test());
}
