from django.db import migrations

from allegro_queue.history import search_index


class Migration(migrations.Migration):

    dependencies = [
        ('allegro_queue', '0010_saved_views'),
    ]

    operations = [
        migrations.RunPython(search_index.create_anew, migrations.RunPython.noop),
    ]
