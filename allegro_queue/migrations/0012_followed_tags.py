from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("allegro_queue", "0011_words_by_their_beginnings"),
    ]

    operations = [
        migrations.RenameModel("MonitoredTag", "FollowedTag"),
    ]
