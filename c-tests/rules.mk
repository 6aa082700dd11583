# c-tests/NAME.c -> build/c-tests/NAME. A line `// cflags: ...` in the source adds flags,
# a line `// static: yes` asks for build/c-tests/NAME.static as well, linked with -static.
# Lines `// forms: ...` ask for the images that a test executes: build/c-tests/forms/NAME.FORM (see ./forms).
# Included by ../Makefile (from the top) and by ./Makefile (from here).
C_TESTS_DIR ?= c-tests
C_TESTS_OUT ?= build/c-tests
C_TESTS_FLAGS := -O2 -g -Wall -Wextra -Werror -pthread
C_TESTS := $(patsubst $(C_TESTS_DIR)/%.c,$(C_TESTS_OUT)/%,$(wildcard $(C_TESTS_DIR)/*.c))
C_TESTS_STATIC := $(patsubst $(C_TESTS_DIR)/%.c,$(C_TESTS_OUT)/%.static,$(shell grep -l '^// static: yes' $(C_TESTS_DIR)/*.c))

# Hook libraries of the tests: c-tests/hooks/NAME.c -> build/c-tests/hooks/NAME.so.
C_TESTS_HOOKS := $(patsubst $(C_TESTS_DIR)/%.c,$(C_TESTS_OUT)/%.so,$(wildcard $(C_TESTS_DIR)/hooks/*.c))

$(C_TESTS_OUT)/hooks/%.so: $(C_TESTS_DIR)/hooks/%.c $(C_TESTS_DIR)/../include/usertrap.h $(C_TESTS_DIR)/rules.mk
	@mkdir -p $(@D)
	$(CC) $(C_TESTS_FLAGS) -I$(C_TESTS_DIR)/../include -shared -fPIC $< -o $@

# Hook libraries that were written for others: c-tests/peers/NAME.c -> build/c-tests/peers/NAME.so.
C_TESTS_PEERS := $(patsubst $(C_TESTS_DIR)/peers/%.c,$(C_TESTS_OUT)/peers/%.so,$(wildcard $(C_TESTS_DIR)/peers/*.c))

c-tests: $(C_TESTS) $(C_TESTS_STATIC) $(C_TESTS_HOOKS) $(C_TESTS_PEERS)

$(C_TESTS_OUT)/peers/%.so: $(C_TESTS_DIR)/peers/%.c
	@mkdir -p $(@D)
	$(CC) $(C_TESTS_FLAGS) -fPIC -shared $< -o $@

$(C_TESTS_OUT)/%.static: $(C_TESTS_DIR)/%.c $(wildcard $(C_TESTS_DIR)/*.h) $(C_TESTS_DIR)/rules.mk
	@mkdir -p $(@D)
	$(CC) $(C_TESTS_FLAGS) $< -static -o $@ $$(sed -n 's|^// cflags: ||p' $<)

$(C_TESTS_OUT)/%: $(C_TESTS_DIR)/%.c $(wildcard $(C_TESTS_DIR)/*.h) $(C_TESTS_DIR)/rules.mk $(C_TESTS_DIR)/forms
	@mkdir -p $(@D)
	@CC='$(CC)' $(C_TESTS_DIR)/forms $< $(@D)/forms $(C_TESTS_FLAGS)
	$(CC) $(C_TESTS_FLAGS) $< -o $@ $$(sed -n 's|^// cflags: ||p' $<)

.PHONY: c-tests
