from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('writingapp', '0009_after'),
    ]

    operations = [
        migrations.AddField(
            model_name='enginenode',
            name='keeper',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='enginenode',
            name='kept_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
