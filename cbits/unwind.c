/* The unwinder, libgcc_s, which the loader would bring with us into each process, and which hardly
 * one of them needs: to load it takes more time than to load us. So the shared library does not
 * need it. It is loaded by the code that unwinds a thread: for a thread that is cancelled or calls
 * pthread_exit(3) by the C library, which itself does not need it either. build.rs has the
 * linker put these functions in the place of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

#define UNWINDER "libgcc_s.so.1"

/* What is asked of the loaded libraries, and the answer. */
struct wanted {
	const char *name;
	void *function;
};

/* The dynamic section of a library, with addresses. */
struct dynamic {
	const char *strings;
	const ElfW(Sym) *symbols;
	/* DT_GNU_HASH */
	const uint32_t *hash;
	/* Offset of its own name in `strings`; 0 = it has none. */
	size_t name;
};

static struct dynamic dynamic_of(ElfW(Addr) base, const ElfW(Dyn) *entry)
{
	struct dynamic found = { 0 };
	for (; entry->d_tag != DT_NULL; entry++) {
		/* The loader adds the base where it may write. */
		ElfW(Addr) value = entry->d_un.d_ptr;
		const void *address = (const void *)(value < base ? base + value : value);
		switch (entry->d_tag) {
		case DT_STRTAB: found.strings = address; break;
		case DT_SYMTAB: found.symbols = address; break;
		case DT_GNU_HASH: found.hash = address; break;
		case DT_SONAME: found.name = entry->d_un.d_val; break;
		}
	}
	return found;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;
	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

/* A symbol that the library defines, or NULL. Each of the unwinder's has one version. */
static const ElfW(Sym) *find_symbol(const struct dynamic *library, const char *name)
{
	const uint32_t *table = library->hash, hash = hash_of(name);
	uint32_t buckets = table[0], first = table[1], filters = table[2];
	const uint32_t *bucket = table + 4 + filters * (sizeof(ElfW(Addr)) / sizeof *table);
	const uint32_t *chain = bucket + buckets;
	uint32_t index = bucket[hash % buckets];
	if (index < first)
		return NULL;
	for (;; index++) {
		const ElfW(Sym) *symbol = &library->symbols[index];
		uint32_t entry = chain[index - first];
		if ((entry | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF &&
		    strcmp(library->strings + symbol->st_name, name) == 0)
			return symbol;
		/* The last one of its bucket. */
		if (entry & 1)
			return NULL;
	}
}

static int look_into(struct dl_phdr_info *object, size_t size, void *argument)
{
	(void)size;
	struct wanted *wanted = argument;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &object->dlpi_phdr[i];
		if (header->p_type != PT_DYNAMIC)
			continue;
		ElfW(Addr) base = object->dlpi_addr;
		struct dynamic library = dynamic_of(base, (void *)(base + header->p_vaddr));
		if (!library.name || !library.strings || !library.symbols || !library.hash ||
		    strcmp(library.strings + library.name, UNWINDER) != 0)
			return 0;
		const ElfW(Sym) *symbol = find_symbol(&library, wanted->name);
		if (symbol)
			wanted->function = (void *)(base + symbol->st_value);
		return 1;
	}
	return 0;
}

/* Not by dlsym, which waits for the loader's lock: a thread that has that may be waiting for this
 * one, as in the destructor of a plugin that ends its threads. And never remembered: a plugin may
 * take its unwinder away again. Where there is none, no thread unwinds by it yet: one that
 * panics, with RUST_BACKTRACE, or a program with an unwinder in itself. */
static void *find(const char *name)
{
	struct wanted wanted = { name, NULL };
	if (!dl_iterate_phdr(look_into, &wanted) && dlopen(UNWINDER, RTLD_NOW))
		dl_iterate_phdr(look_into, &wanted);
	if (!wanted.function)
		abort();
	return wanted.function;
}

/* F(result, name, parameters, arguments): what our C, and Rust's standard library, use of it. */
#define UNWINDER_FUNCTIONS(F)                                                                \
	F(_Unwind_Reason_Code, __gcc_personality_v0,                                         \
	  (int version, _Unwind_Action actions, _Unwind_Exception_Class class,               \
	   struct _Unwind_Exception *exception, struct _Unwind_Context *context),            \
	  (version, actions, class, exception, context))                                     \
	F(_Unwind_Reason_Code, _Unwind_Backtrace, (_Unwind_Trace_Fn trace, void *argument),  \
	  (trace, argument))                                                                 \
	F(_Unwind_Ptr, _Unwind_GetDataRelBase, (struct _Unwind_Context *context), (context)) \
	F(_Unwind_Ptr, _Unwind_GetIP, (struct _Unwind_Context *context), (context))          \
	F(_Unwind_Ptr, _Unwind_GetIPInfo, (struct _Unwind_Context *context, int *before),    \
	  (context, before))                                                                 \
	F(void *, _Unwind_GetLanguageSpecificData, (struct _Unwind_Context *context),        \
	  (context))                                                                         \
	F(_Unwind_Ptr, _Unwind_GetRegionStart, (struct _Unwind_Context *context), (context)) \
	F(_Unwind_Ptr, _Unwind_GetTextRelBase, (struct _Unwind_Context *context), (context)) \
	F(void, _Unwind_Resume, (struct _Unwind_Exception *exception), (exception))          \
	F(void, _Unwind_SetGR, (struct _Unwind_Context *context, int index,                  \
				_Unwind_Word value), (context, index, value))                \
	F(void, _Unwind_SetIP, (struct _Unwind_Context *context, _Unwind_Ptr value),         \
	  (context, value))

#define IN_ITS_PLACE(result, name, parameters, arguments)                                    \
	result __wrap_##name parameters;                                                     \
	result __wrap_##name parameters                                                      \
	{                                                                                    \
		result(*function) parameters = (result(*) parameters)find(#name);            \
		return function arguments;                                                   \
	}

#pragma GCC visibility push(hidden)
UNWINDER_FUNCTIONS(IN_ITS_PLACE)
#pragma GCC visibility pop
