/* SPDX-License-Identifier: MIT */
#include "serve/service.h"

#include <sys/eventfd.h>

void sbx_service_begin(struct sbx_service *service)
{
	atomic_fetch_add(&service->n_active, 1);
}

void sbx_service_end(struct sbx_service *service)
{
	if (atomic_fetch_sub(&service->n_active, 1) == 1 &&
	    service->is_draining)
		eventfd_write(service->wake_fd, 1);
}
