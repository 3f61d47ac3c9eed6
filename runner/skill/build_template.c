/* SPDX-License-Identifier: MIT */
#include "skill/build_template.h"

#include <string.h>

#include "base/mem.h"

/*
 * @manifest	what names the packages, or NULL
 * @beside	what is needed to install it, each if it is there: what changes
 *		less often than the program, so that packages are not installed
 *		anew with each of its changes
 * @install	the stage that does so, after what it needs was copied
 * @base	what the image is made from; @base_with where there were packages
 * @result	what is taken from that stage
 */
static const struct template
{
	const char *name;
	const char *base;
	const char *manifest;
	const char *installer;
	const char *beside[4];
	const char *install;
	const char *base_with;
	const char *result;
}
templates[] = {
	{ .name = "busybox", .base = "busybox" },
	{ .name = "go",
	  .base = "go",
	  .manifest = "go.mod",
	  .installer = "go",
	  .beside = { "." },
	  .install = "RUN mkdir /packages && go build -o /packages/ ./...\n",
	  .base_with = "debian",
	  .result = "COPY --from=packages /packages/ /usr/local/bin/\n" },
	{ .name = "node",
	  .base = "node",
	  .manifest = "package.json",
	  .installer = "node-build",
	  .beside = { "package.json", "package-lock.json", "vendor" },
	  .install = "RUN if [ -e package-lock.json ]; then npm ci "
		     "--omit=dev; \\\n"
		     "\telse npm install --omit=dev --no-audit --no-fund; fi "
		     "\\\n"
		     "\t&& mkdir -p node_modules\n",
	  .base_with = "node",
	  .result = "COPY --from=packages /app/node_modules/ "
		    "/app/node_modules/\n" },
	{ .name = "python",
	  .base = "python",
	  .manifest = "requirements.txt",
	  .installer = "python-build",
	  .beside = { "requirements.txt", "wheels" },
	  .install = "RUN python3 -m pip install --no-cache-dir "
		     "--root-user-action=ignore \\\n"
		     "\t--target /packages --requirement requirements.txt \\\n"
		     "\t&& mkdir -p /packages\n",
	  .base_with = "python",
	  .result = "COPY --from=packages /packages/ /opt/packages/\n"
		    "ENV PYTHONPATH=/opt/packages\n" },
};

static const struct template *find(const char *name)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(templates); i++) {
		if (strcmp(templates[i].name, name) == 0)
			return &templates[i];
	}
	return NULL;
}

bool sbx_template_is(const char *name)
{
	return find(name) != NULL;
}

/* By its name: those of the tables above have no dot. */
static bool is_directory(const char *name)
{
	return strchr(name, '.') == NULL;
}

/* COPY of what there is of @template's; owned by the caller. */
static char *copies(const struct template *template,
		    bool (*has)(const void *ctx, const char *file),
		    const void *ctx)
{
	char *all = sbx_strdup("");

	for (size_t i = 0; template->beside[i]; i++) {
		const char *name = template->beside[i];
		bool is_all = strcmp(name, ".") == 0;
		char *more;

		if (!is_all && !has(ctx, name))
			continue;
		/* The contents of a directory are copied, not itself. */
		more = sbx_asprintf("%sCOPY %s /app/%s\n", all, name,
				    is_directory(name) ? name : "");
		free(all);
		all = more;
	}
	return all;
}

char *sbx_template_dockerfile(const char *name,
			      bool (*has)(const void *ctx, const char *file),
			      const void *ctx)
{
	const struct template *template = find(name);
	cleanup_free char *copied = NULL;

	if (!template->manifest || !has(ctx, template->manifest))
		return sbx_asprintf("# template: %s\n"
				    "FROM skillbox/%s\n"
				    "WORKDIR /app\n"
				    "COPY . /app/\n",
				    name, template->base);
	copied = copies(template, has, ctx);
	return sbx_asprintf("# template: %s, with its %s\n"
			    "FROM skillbox/%s AS packages\n"
			    "WORKDIR /app\n"
			    "%s%s"
			    "FROM skillbox/%s\n"
			    "WORKDIR /app\n"
			    "%s"
			    "COPY . /app/\n",
			    name, template->manifest, template->installer,
			    copied, template->install, template->base_with,
			    template->result);
}
