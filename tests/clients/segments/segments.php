<?php
// What PHP makes of System V shared memory: values under numbers (shm_attach and its kin), and
// bytes (shmop_open and its kin).

require __DIR__ . '/../sysv/common.php';

/** A key that no other run uses. */
function own_key(string $what): int
{
	[$key, $file] = own($what);
	unlink($file);
	return $key;
}

function keeps_values(): bool
{
	$segment = shm_attach(own_key('values'), 20000, 0600);
	$values = ['text', 42, 1.5, null, true, ['a' => [1, 2], 'b' => 'c'], str_repeat("\0\xff", 2000)];
	$holds = true;
	foreach ($values as $i => $value) {
		$holds = $holds && !shm_has_var($segment, $i) && shm_put_var($segment, $i, $value);
	}
	foreach ($values as $i => $value) {
		$holds = $holds && shm_has_var($segment, $i) && shm_get_var($segment, $i) === $value;
	}
	return shm_remove($segment) && $holds;
}

function replaces_and_removes_values(): bool
{
	$segment = shm_attach(own_key('replace'), 20000, 0600);
	foreach ([1, 2, 3] as $i) {
		shm_put_var($segment, $i, str_repeat("$i", 100 * $i));
	}
	shm_put_var($segment, 2, 'shorter');
	$removed = shm_remove_var($segment, 1) && !shm_has_var($segment, 1)
		&& !shm_remove_var($segment, 1);
	$holds = shm_get_var($segment, 2) === 'shorter'
		&& shm_get_var($segment, 3) === str_repeat('3', 300);
	return shm_remove($segment) && $removed && $holds;
}

function is_full_at_its_size(): bool
{
	$segment = shm_attach(own_key('size'), 1000, 0600);
	$fits = shm_put_var($segment, 1, str_repeat('x', 500));
	$full = !shm_put_var($segment, 2, str_repeat('y', 500));
	$holds = shm_get_var($segment, 1) === str_repeat('x', 500) && !shm_has_var($segment, 2);
	return shm_remove($segment) && $fits && $full && $holds;
}

function is_shared_with_children(): bool
{
	$segment = shm_attach(own_key('children'), 20000, 0600);
	$children = [];
	for ($i = 0; $i < 4; $i++) {
		// One after the other: there is no lock.
		$child = child(fn() => shm_put_var($segment, $i, [getmypid(), $i]));
		if (!ended_well($child) || shm_get_var($segment, $i) !== [$child, $i]) {
			return false;
		}
	}
	return shm_remove($segment);
}

function is_found_by_its_key(): bool
{
	$key = own_key('key');
	$segment = shm_attach($key, 1000, 0600);
	shm_put_var($segment, 7, 'by key');
	$found = ended_well(child(fn() => shm_get_var(shm_attach($key), 7) === 'by key'));
	shm_detach($segment);
	$stays = ended_well(child(fn() => shm_get_var(shm_attach($key), 7) === 'by key'));
	return shm_remove(shm_attach($key)) && $found && $stays;
}

function counts_under_a_lock(): bool
{
	$key = own_key('lock');
	$segment = shm_attach($key, 1000, 0600);
	shm_put_var($segment, 1, 0);
	$children = [];
	for ($i = 0; $i < 4; $i++) {
		$children[] = child(function () use ($key) {
			[$lock, $segment] = [sem_get($key), shm_attach($key)];
			for ($n = 0; $n < 200; $n++) {
				sem_acquire($lock);
				shm_put_var($segment, 1, shm_get_var($segment, 1) + 1);
				sem_release($lock);
			}
			return true;
		});
	}
	$well = array_map('ended_well', $children);
	$holds = !in_array(false, $well, true) && shm_get_var($segment, 1) === 800;
	return shm_remove($segment) && sem_remove(sem_get($key)) && $holds;
}

function holds_bytes(): bool
{
	$key = own_key('bytes');
	$block = shmop_open($key, 'n', 0600, 5000);
	$again = shmop_open($key, 'n', 0600, 5000) === false;
	$all = implode('', array_map('chr', range(0, 255)));
	$holds = $block !== false && shmop_size($block) === 5000
		&& shmop_read($block, 0, 5000) === str_repeat("\0", 5000)
		&& shmop_write($block, $all, 4000) === 256 && shmop_read($block, 4000, 256) === $all;
	$read = ended_well(child(function () use ($key, $all) {
		$block = shmop_open($key, 'a', 0, 0);
		return shmop_read($block, 4000, 256) === $all && !writes($block);
	}));
	return shmop_delete($block) && $again && $holds && $read && shmop_open($key, 'a', 0, 0) === false;
}

/** Whether a byte can be written. */
function writes(Shmop $block): bool
{
	try {
		return shmop_write($block, 'x', 0) === 1;
	} catch (Error) {
		return false;
	}
}

function outlives_its_removal(): bool
{
	$key = own_key('removal');
	$block = shmop_open($key, 'c', 0600, 100);
	shmop_write($block, 'still here', 0);
	$removed = shmop_delete($block) && shmop_open($key, 'a', 0, 0) === false;
	return $removed && shmop_read($block, 0, 10) === 'still here';
}

foreach (['keeps_values', 'replaces_and_removes_values', 'is_full_at_its_size',
	'is_shared_with_children', 'is_found_by_its_key', 'counts_under_a_lock', 'holds_bytes',
	'outlives_its_removal'] as $test) {
	report($test, $test());
}
